"""The steps of a canary ladder: what was done, where it is, what lies ahead. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.operations.values import State, Tally
from dashboard import words

# Nothing more is sent in these, and where it stands is where it stopped.
STOPPED = (State.HALTED, State.CANCELLED, State.CANCELLING, State.FAILED, State.REJECTED)
ENDED_WELL = (State.DONE, State.DONE_WITH_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step. `size` None: the rest. `state`: done, here, stopped or ahead."""

    size: int | None
    state: str
    word: str


def rungs(
    canary: Sequence[int], count: int, step: int, state: State, tally: Tally, base: Tally
) -> list[Rung]:
    """`count` is how many go; `base` the tally when the ladder began."""
    sizes = _sizes(canary, count)
    return [_rung(place, size, sizes, step, state, tally.since(base)) for place, size in enumerate(sizes)]


def planned(canary: Sequence[int], count: int) -> list[Rung]:
    """Before anything was sent."""
    return [Rung(size, "ahead", "") for size in _sizes(canary, count)]


def _sizes(canary: Sequence[int], count: int) -> list[int | None]:
    """No step is larger than what is left; without a ladder there are no steps at all."""
    sizes: list[int | None] = []
    left = count
    for size in canary:
        if left <= 0:
            break
        sizes.append(min(size, left))
        left -= size
    return [*sizes, None] if sizes and left > 0 else sizes


def _rung(
    place: int, size: int | None, sizes: Sequence[int | None], step: int, state: State, since: Tally
) -> Rung:
    if state in ENDED_WELL or place < step:
        return Rung(size, "done", "done")
    if place > step:
        return Rung(size, "ahead", "")
    before = sum(each or 0 for each in sizes[:place])
    seen = max(0, since.settled + since.unknown - before)
    word = f"{words.number(seen)} of {words.number(size)} known" if size else f"{words.number(seen)} known"
    return Rung(size, "stopped" if state in STOPPED else "here", word)
