"""The watcher's part of custody: a loop of capture for each broker, and one that brings keys up to date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from agents.deadletters.services import grouping, keys
from agents.deadletters.services.capture import AWAY, Capture
from agents.deadletters.trouble import Alarm, What
from core import watch
from core.brokers.api import BrokerError, BrokerUrl, configured
from core.watch import Turn

# Long enough to cost nothing while all is quiet, short enough to leave in time.
WAIT_SECONDS = 1.0
# Whoever could not go on tries again after this.
REST_SECONDS = 2.0


class Capturing:
    """Captures from one queue for as long as its watcher leads. Trouble at either end is said, and waited out."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._alarm = Alarm(capture.broker.name)

    def look(self, turn: Turn) -> None:
        try:
            while turn.wanted:
                self._step(turn)
        finally:
            self._capture.close()

    def _step(self, turn: Turn) -> None:
        try:
            self._capture.step(WAIT_SECONDS)
        except BrokerError as problem:
            self._capture.close()
            self._rest(turn, What.UNREACHABLE, str(problem))
        except AWAY as problem:
            # What was read is not done: it comes again from the same connection, before anything else.
            self._capture.doubt()
            self._rest(turn, What.CANNOT_COMMIT, _first_line(problem))
        else:
            self._alarm.clear()

    def _rest(self, turn: Turn, what: What, sentence: str) -> None:
        from django.db import connection

        self._alarm.raise_(what, sentence)
        connection.close()
        turn.over.wait(REST_SECONDS)


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def _loop(broker: BrokerUrl) -> Callable[[Turn], None]:
    return Capturing(Capture(broker)).look


def bring_keys_up_to_date(turn: Turn) -> None:
    """After a new key came first in the settings: a batch at a time, until all use it."""
    while turn.wanted and keys.reseal():
        pass


def group_older(turn: Turn) -> None:
    """Letters that were kept before there were groups: a batch at a time, until all have one."""
    while turn.wanted and grouping.backfill():
        pass


for each in configured():
    watch.register(f"letters {each.name}", timedelta(seconds=1), _loop(each))
watch.register("letters keys", timedelta(seconds=30), bring_keys_up_to_date)
watch.register("letters groups", timedelta(seconds=30), group_older)
