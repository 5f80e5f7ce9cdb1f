"""Refused credentials go into the audit trail, but a flood of them must not flood it.

The first refusal of a kind is written at once. Those that follow within a minute are counted, and written as one
entry when the minute is over. Kinds are bounded as well: a stranger who makes up a new token each time falls into
one kind, `many`, after the first few dozen of a minute.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, close_old_connections

from core import clock
from core.access.api import ANONYMOUS
from core.access.audit.api import Action, Target, record
from core.access.credentials import CredentialRefusedError, Shown, Why

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60.0
MOST_KINDS = 50


@dataclass(frozen=True, slots=True)
class Refusal:
    """What makes two refusals the same kind."""

    shown: Shown
    source: str
    why: Why


@dataclass(slots=True)
class Tally:
    """Refusals that were not written one by one, since when."""

    since: float
    count: int = 0


@dataclass(slots=True)
class Window:
    """Decides which refusals are written now, which are counted, and what a minute that is over has counted."""

    tallies: dict[Refusal, Tally] = field(default_factory=dict)

    def add(self, refusal: Refusal, now: float) -> Refusal | None:
        """The refusal to write now; None when it is only counted."""
        if refusal not in self.tallies and len(self.tallies) >= MOST_KINDS:
            refusal = Refusal(Shown(refusal.shown.kind, "many"), "many", refusal.why)
        tally = self.tallies.get(refusal)
        if tally is None:
            self.tallies[refusal] = Tally(now)
            return refusal
        tally.count += 1
        return None

    def take_over(self, now: float) -> list[tuple[Refusal, int]]:
        """Forget the kinds whose minute is over; answer those that have counted something."""
        over = [(kind, t) for kind, t in self.tallies.items() if now - t.since >= WINDOW_SECONDS]
        for kind, _ in over:
            del self.tallies[kind]
        return [(kind, tally.count) for kind, tally in over if tally.count]


class RefusalLog:
    """Writes what its window decides; a timer writes the counts when nobody comes any more."""

    def __init__(self, write: Callable[[Refusal, int], None]) -> None:
        self._write = write
        self._window = Window()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def note(self, refusal: Refusal) -> None:
        now = clock.monotonic()
        with self._lock:
            due = self._window.take_over(now)
            first = self._window.add(refusal, now)
            if first is None and self._timer is None:
                self._timer = self._start_timer()
        if first is not None:
            due.append((first, 1))
        self._write_all(due)

    def flush(self, *, everything: bool = False) -> None:
        """Write the counts whose minute is over, or all of them."""
        with self._lock:
            due = self._window.take_over(clock.monotonic() + (WINDOW_SECONDS if everything else 0.0))
        self._write_all(due)

    def forget(self) -> None:
        """Begin anew: what was counted is not written, and no timer is left behind."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer, self._window = None, Window()

    def _start_timer(self) -> threading.Timer:
        timer = threading.Timer(WINDOW_SECONDS + 1, self._on_time)
        timer.daemon = True
        timer.start()
        return timer

    def _on_time(self) -> None:
        with self._lock:
            self._timer = None
        self.flush(everything=True)
        close_old_connections()

    def _write_all(self, due: list[tuple[Refusal, int]]) -> None:
        for refusal, count in due:
            try:
                self._write(refusal, count)
            except DatabaseError:
                # Refusing must go on while the trail cannot be written; the log has it then.
                log.exception("a refused credential could not be written to the audit trail")


_ACTIONS = {"sign-in": Action.SIGN_IN_REFUSED}


def _record(refusal: Refusal, count: int) -> None:
    record(
        _ACTIONS.get(refusal.shown.kind, Action.CREDENTIAL_REFUSED),
        by=ANONYMOUS,
        on=Target(refusal.shown.kind, refusal.shown.label, refusal.shown.label),
        source=refusal.source,
        why=str(refusal.why),
        after={"times": count},
    )


LOG = RefusalLog(_record)


def note(problem: CredentialRefusedError, source: str) -> None:
    """Put a refusal into the audit trail, now or with others like it."""
    LOG.note(Refusal(problem.shown, source, problem.why))
