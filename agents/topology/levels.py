"""Minutes, tens of minutes and hours: a long stretch of time is read from few rows, a rim of it from minutes."""

from __future__ import annotations

from typing import NamedTuple

# Each level's length in minutes; each divides the next.
LEVELS = (1, 10, 60)


class Stretch(NamedTuple):
    """A stretch of time at one level; `start` and `end` in minutes since 1970, both multiples of the level."""

    level: int
    start: int
    end: int


def start_of(level: int, minute: int) -> int:
    return minute - minute % level


def cover(since: int, until: int) -> list[Stretch]:
    """The fewest rows that cover the minutes [since, until) exactly, in order."""
    return _cover(since, until, len(LEVELS) - 1)


def _cover(since: int, until: int, rank: int) -> list[Stretch]:
    if since >= until:
        return []
    level = LEVELS[rank]
    if rank == 0:
        return [Stretch(level, since, until)]
    first, last = -(-since // level) * level, until - until % level
    if first >= last:
        return _cover(since, until, rank - 1)
    return [*_cover(since, first, rank - 1), Stretch(level, first, last), *_cover(last, until, rank - 1)]
