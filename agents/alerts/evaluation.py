"""From what is measured to how an alert stands. Pure: (terms, standing before, reading, moment) → standing after."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from agents.alerts.values import Reading, Standing, State, Terms

# Rules are looked at every few seconds. A longer time without a measurement (nobody looked, or nobody could know) is
# left out of what a rule has to hold for, and of what it takes to be over.
BELIEVED = timedelta(seconds=30)


def step(terms: Terms, before: Standing | None, reading: Reading | None, now: datetime) -> Standing | None:
    """How it stands now; None: there is nothing to speak of. No reading: it was measured that nothing is there."""
    if reading is not None and reading.value is None:
        return _unknown(before, now)
    holds = reading is not None and reading.value is not None and reading.value >= terms.threshold
    if before is None:
        return _begin(terms, now) if holds and terms.counts else None
    known = _known(before, now)
    if known.state is State.PENDING:
        return _pending(terms, known, holds, now)
    return replace(known, quiet_since=None) if holds else _quiet(terms, known, now)


def _begin(terms: Terms, now: datetime) -> Standing:
    return Standing(State.PENDING if terms.hold else State.FIRING, now, now)


def _unknown(before: Standing | None, now: datetime) -> Standing | None:
    return replace(before, unknown_since=before.unknown_since or now) if before else None


def _known(before: Standing, now: datetime) -> Standing:
    """The same, with the time that nobody measured taken out."""
    gap = now - before.seen_at
    left_out = gap if gap > BELIEVED or before.unknown_since else timedelta()
    quiet = before.quiet_since + left_out if before.quiet_since else None
    held = before.holds_since + left_out
    return replace(before, holds_since=held, quiet_since=quiet, seen_at=now, unknown_since=None)


def _pending(terms: Terms, known: Standing, holds: bool, now: datetime) -> Standing:
    if not holds or not terms.counts:
        return replace(known, state=State.CLEARED)
    long_enough = now - known.holds_since >= terms.hold
    return replace(known, state=State.FIRING) if long_enough else known


def _quiet(terms: Terms, known: Standing, now: datetime) -> Standing:
    since = known.quiet_since or now
    state = State.CLEARED if now - since >= terms.rest else known.state
    return replace(known, quiet_since=since, state=state)
