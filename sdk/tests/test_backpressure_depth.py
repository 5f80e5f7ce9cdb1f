"""Holding back by what waits in a queue, on any broker."""

from __future__ import annotations

import pytest

from postroom.agent import Agent
from postroom.backpressure.depth import DepthRoom
from postroom.runtime.api import Outgoing

MOST = 4


@pytest.mark.parametrize("broker", ["redis_url", "rabbitmq_url"])
def test_a_queue_has_room_until_so_many_wait_in_it(broker: str, request: pytest.FixtureRequest) -> None:
    url = str(request.getfixturevalue(broker))
    sender = Agent("reader", handler=lambda message: None, broker_url=url)
    outgoing = Outgoing("0192", "reader", "shelf", "shelf", "postroom.handle", b"{}", {})
    room = DepthRoom(url, MOST)
    try:
        assert room.enter(outgoing) == ""
        for _ in range(MOST):
            sender.send_message("shelf", {})
    finally:
        room.close()
    full = DepthRoom(url, MOST)
    try:
        assert "shelf" in full.enter(outgoing)
    finally:
        full.close()
