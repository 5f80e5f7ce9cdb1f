"""How an instance's state went over a stretch of time, as bars of a line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.registry.values import State


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of state."""

    at: datetime
    before: State
    after: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch in one state; `start` and `width` in percent of the whole."""

    state: State
    since: datetime
    until: datetime
    start: float
    width: float


def bars(turns: Sequence[Turn], now: State, since: datetime, until: datetime) -> list[Bar]:
    """What is known of [since, until): before the first turn the state it came from, after the last the state now."""
    inside = sorted((turn for turn in turns if since < turn.at < until), key=lambda turn: turn.at)
    states = [inside[0].before if inside else now, *(turn.after for turn in inside)]
    if inside and now is State.LATE:
        # Late follows from the clock, and is no turn that anybody wrote.
        states[-1] = now
    edges = [since, *(turn.at for turn in inside), until]
    whole = (until - since).total_seconds()
    return [
        Bar(state, start, end, _percent(start, since, whole), _percent(end, start, whole))
        for state, start, end in zip(states, edges, edges[1:], strict=False)
    ]


def _percent(moment: datetime, since: datetime, whole: float) -> float:
    return round(100 * (moment - since).total_seconds() / whole, 3)
