"""Deaths over time: the line of a group in a list, and bars by version on its page. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

POINTS, BARS = 30, 60
SPARK_WIDTH, SPARK_HEIGHT = 90, 18
WIDTH, HEIGHT = 600.0, 110.0
# More versions than this share the last colour.
COLOURS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A version's share of a stretch of time, on top of the others."""

    version: str
    colour: int
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Versions:
    """Bars by version, on one scale."""

    most: int
    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, int, int], ...]


def spark(counts: Sequence[int]) -> str:
    """Deaths in POINTS parts of a time as the points of a line, the newest on the right; empty where none were."""
    most = max(counts, default=0)
    if not most:
        return ""
    step = SPARK_WIDTH / (POINTS - 1)
    return " ".join(
        f"{place * step:.1f},{SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * count / most:.1f}"
        for place, count in enumerate(counts)
    )


def versions(
    rates: Mapping[str, Mapping[datetime, int]], since: datetime, until: datetime
) -> Versions | None:
    """None where nothing died in this time."""
    counts = {version: _gathered(each, since, until, BARS) for version, each in rates.items()}
    totals = {version: sum(each) for version, each in counts.items()}
    named = sorted((each for each in totals if totals[each]), key=lambda each: -totals[each])
    most = max((sum(column) for column in zip(*counts.values(), strict=True)), default=0)
    if not most:
        return None
    colours = {version: min(place, COLOURS - 1) + 1 for place, version in enumerate(named)}
    bars = [bar for place in range(BARS) for bar in _column(place, named, counts, colours, most)]
    return Versions(most, tuple(bars), tuple((each, colours[each], totals[each]) for each in named))


def _column(
    place: int,
    named: Sequence[str],
    counts: Mapping[str, Sequence[int]],
    colours: Mapping[str, int],
    most: int,
) -> list[Bar]:
    """One stretch of time, the most frequent version at the bottom."""
    bars, top, width = [], HEIGHT, WIDTH / BARS
    for version in named:
        number = counts[version][place]
        height = (HEIGHT - 2) * number / most
        if number:
            top -= height
            title = f"{number} of {version or 'no version named'}"
            x, y = round(place * width, 1), round(top, 1)
            bars.append(Bar(version, colours[version], x, y, round(width - 1, 1), round(height, 1), title))
    return bars


def _gathered(rates: Mapping[datetime, int], since: datetime, until: datetime, parts: int) -> list[int]:
    whole = max((until - since).total_seconds(), 1)
    counts = [0] * parts
    for at, number in rates.items():
        place = int((at - since).total_seconds() * parts // whole)
        counts[min(max(place, 0), parts - 1)] += number
    return counts
