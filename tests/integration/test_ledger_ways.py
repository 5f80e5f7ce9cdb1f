"""A way in from a broker: what is read is committed, and then the broker may forget it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from threading import Event

import pytest

from agents.ledger.services.ears import Way, WayKind
from agents.ledger.ways import Follower
from core.leases import Lease
from core.watch import Turn

pytestmark = [pytest.mark.django_db(databases=["default", "telemetry"]), pytest.mark.both_databases]

A_SECOND = 1_000


class Trickle:
    """A broker to which something comes each millisecond, half a second long; then the turn is over."""

    def __init__(self, turn: Turn) -> None:
        self._turn, self._began = turn, time.monotonic()
        self.given = self.forgotten = 0

    def read(self) -> Sequence[int]:
        came = min(int((time.monotonic() - self._began) * A_SECOND), A_SECOND // 2)
        found = range(self.given, came)
        self.given = came
        if came == A_SECOND // 2:
            self._turn.over.set()
        return found

    def done(self) -> None:
        self.forgotten = self.given

    def close(self) -> None: ...


def test_what_comes_one_by_one_is_committed_together__all_of_it_in_order() -> None:
    turn = Turn(Lease("ways", 1, timedelta(days=1), float("inf")), Event())
    trickle, taken = Trickle(turn), list[Sequence[int]]()
    Follower(Way("main", WayKind.EVENTS), lambda: trickle, taken.append).follow(turn)
    assert [each for found in taken for each in found] == list(range(A_SECOND // 2))
    assert trickle.forgotten == A_SECOND // 2
    assert len(taken) <= A_SECOND // 2 // 5
