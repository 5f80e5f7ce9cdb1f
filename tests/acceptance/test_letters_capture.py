"""Capture is killed between its commit and the broker's being told: no letter is lost, and none is doubled."""

from __future__ import annotations

import json
import sqlite3
import uuid

import pytest

from core.brokers.api import BrokerUrl
from tests.support.broker_streams import Home
from tests.support.house import House
from tests.support.letters import letter

GOOD, EQUAL = 60, 12


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("data"))


def captured(house: House, home: Home, *deaths: str) -> list[tuple[str, str]]:
    """Letter and death ids from this queue, after captures that died and one that did not."""
    house.run("-m", "tests.support.capturer", f"main={home.broker.url}", home.name, *deaths)
    with sqlite3.connect(house.data / "postroom.sqlite3") as database:
        rows = database.execute(
            "SELECT letter_id, d.id FROM deadletters_death d JOIN deadletters_letter l ON l.id = letter_id "
            "WHERE l.source = ?",
            [home.name],
        )
        return rows.fetchall()


@pytest.mark.kills
@pytest.mark.parametrize("broker", ["redis_server", "vhost"])
def test_killed_between_commit_and_acknowledgement__none_lost_none_doubled(
    broker: str, house: House, request: pytest.FixtureRequest
) -> None:
    home = a_home(request.getfixturevalue(broker))
    sent = [letter(b"%d" % number) for number in range(GOOD)]
    home.send(*[json.dumps(each).encode() for each in sent])
    # No ids in these, and all the same: only what the broker says tells them apart.
    home.send(*[b"not a letter"] * EQUAL)
    rows = captured(house, home, "before-ack:1", "after-ack:2", "before-ack:2", "before-ack:3")
    assert {uuid.UUID(each["death_id"]).hex for each in sent} <= {death for _, death in rows}
    assert len({letter for letter, _ in rows}) == len(rows) == GOOD + EQUAL
    assert home.left() == 0


@pytest.mark.kills
def test_equal_messages_killed_at_any_point__as_many_letters(vhost: str, house: House) -> None:
    home = a_home(vhost)
    home.send(*[b"the same"] * 35)
    rows = captured(house, home, "after-ack:1", "before-ack:1", "after-ack:1", "before-ack:1")
    assert len(rows) == 35
    assert home.left() == 0


def a_home(url: str) -> Home:
    return Home(BrokerUrl("main", url), f"letters.{uuid.uuid4().hex[:8]}")
