"""In what state an instance is, as a function of what it last said and the clock. Pure.

A transition is dated when it became due, not when somebody noticed: after a night without a watcher the history
still says when each agent went silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agents.registry.values import Heartbeat, Patience, State


@dataclass(frozen=True, slots=True)
class Change:
    """A transition that is due."""

    to: State
    at: datetime
    reason: str


def state_at(stored: State, last_beat: datetime | None, patience: Patience, now: datetime) -> State:
    """The state to show: the stored one, or late (or down, though not yet stored) when the clock says so."""
    if stored is not State.UP or last_beat is None:
        return stored
    silence = now - last_beat
    if silence > patience.whole:
        return State.DOWN
    return State.LATE if silence > patience.timeout else State.UP


def after_silence(
    stored: State, last_beat: datetime | None, patience: Patience, now: datetime
) -> Change | None:
    """What the sweep must write for an instance that said nothing new."""
    if stored is not State.UP or last_beat is None or now - last_beat <= patience.whole:
        return None
    seconds = patience.whole.total_seconds()
    return Change(State.DOWN, last_beat + patience.whole, f"no heartbeat for {seconds:.0f} s")


def after_beat(stored: State, beat: Heartbeat) -> Change | None:
    """What a heartbeat changes. One that says the agent stops takes it down at once, and cleanly."""
    if beat.status == "stopping":
        to, reason = State.DOWN, "it said that it stops"
    elif beat.status == "paused":
        to, reason = State.PAUSED, "it said that it is paused"
    else:
        to, reason = State.UP, "first heartbeat" if stored is State.NEW else "it beats again"
    return Change(to, beat.arrived, reason) if to is not stored else None
