"""A way in from a broker: opened, read until the watcher's turn is over, opened again when it breaks.

What was read is committed before the broker hears that it may forget it, so a watcher that is killed anywhere loses
and doubles nothing on a way that the broker keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from agents.ledger.services import ears
from agents.ledger.services.ears import Way
from core import clock
from core.watch import LONGEST_WAIT_SECONDS, Turn, backoff

log = structlog.get_logger(__name__)
NOTED_EVERY = 2.0
# After fewer than these, more is let come: a commit and a hint to pages cost the same for one and for many.
FEW = 200
GATHER_S = 0.05


class Source(Protocol):
    """One open connection to one way in. Whatever it raises means that it is broken."""

    def read(self) -> Sequence[Any]:
        """What has come, waiting a second at most when there is nothing."""

    def done(self) -> None:
        """All that `read` gave so far is committed: the broker may forget it."""

    def close(self) -> None: ...


class Follower:
    """The loop of one way: what is read goes to `take`, which has committed it when it returns."""

    def __init__(
        self, way: Way, opened: Callable[[], Source], take: Callable[[Sequence[Any]], object]
    ) -> None:
        self._way, self._opened, self._take = way, opened, take
        self._failures = 0

    def follow(self, turn: Turn) -> None:
        try:
            source = self._opened()
        except Exception as problem:
            self._broken(turn, problem)
            return
        try:
            self._read(turn, source)
        finally:
            _close(source)

    def _read(self, turn: Turn, source: Source) -> None:
        """It is heard once it was read: an open door may lead nowhere."""
        noted = 0.0
        while turn.wanted:
            try:
                found = source.read()
            except Exception as problem:
                self._broken(turn, problem)
                return
            if found:
                self._take(found)
                self._settle(source)
                if len(found) < FEW:
                    turn.over.wait(GATHER_S)
            if clock.monotonic() - noted >= NOTED_EVERY:
                self._note(first=not noted)
                noted = clock.monotonic()
        if noted:
            ears.heard(self._way)

    def _note(self, *, first: bool) -> None:
        self._failures = 0
        if first:
            ears.opened(self._way)
        else:
            ears.heard(self._way)

    def _settle(self, source: Source) -> None:
        """A broker that is gone now delivers them again: they are known then."""
        try:
            source.done()
        except Exception as problem:
            log.warning("a broker was not told what is committed", way=str(self._way), problem=repr(problem))

    def _broken(self, turn: Turn, problem: Exception) -> None:
        if not self._failures:
            log.warning("a way in broke", way=str(self._way), problem=repr(problem))
        ears.lost(self._way, f"{type(problem).__name__}: {problem}")
        pause = backoff(0.5, self._failures, LONGEST_WAIT_SECONDS)
        self._failures += 1
        turn.over.wait(pause)


def _close(source: Source) -> None:
    try:
        source.close()
    except Exception as problem:
        log.debug("a connection was not closed well", problem=repr(problem))
