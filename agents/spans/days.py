"""Which part of the store a moment belongs to: pure functions.

A part is a day in UTC, known by its number (days since 1970). What claims a day further from today than
retention reaches back, or more than a day ahead, goes to one part of its own, ASTRAY: an agent whose clock is a
year off costs one part, not 365. A day that has a part already keeps taking what belongs to it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
ASTRAY = 0
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """The days that get a part of their own."""

    oldest: int
    newest: int

    def part_of(self, moment: int, existing: Collection[int]) -> int:
        day = moment // DAY
        return day if self.oldest <= day <= self.newest or day in existing else ASTRAY

    def one_part_of(self, moments: Sequence[int], existing: Collection[int]) -> int | None:
        """The part that all of them belong to, if it is one: that is the usual case, and this is quick."""
        first, last = min(moments), max(moments)
        if first // DAY != last // DAY:
            return None
        return self.part_of(first, existing)


def window(now: datetime, keep: timedelta) -> Window:
    return Window(part(now - keep), part(now) + 1)


def part(moment: datetime) -> int:
    return (moment.astimezone(UTC).date() - EPOCH).days


def part_of_day(day: date) -> int:
    return (day - EPOCH).days


def day_of(number: int) -> date | None:
    """None for ASTRAY."""
    return EPOCH + timedelta(days=number) if number != ASTRAY else None


def bounds(number: int) -> tuple[int, int]:
    """The moments that a part can hold, [first, last)."""
    return (number * DAY, (number + 1) * DAY) if number != ASTRAY else (0, 2**63 - 1)
