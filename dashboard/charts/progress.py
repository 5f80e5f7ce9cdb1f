"""How an operation went over time: its speed and the depth of the queue, as lines for an SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol

WIDTH, HEIGHT = 600.0, 90.0
# Speeds are worked out over at least so much time: samples that stand close together would jump.
LEAST_SECONDS = 1.0


class Sampled(Protocol):
    """An operation's figures at a moment."""

    at: datetime
    spent: int
    processed: int
    failed: int
    depth: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its name, its points within WIDTH × HEIGHT, and its last value."""

    name: str
    points: str
    last: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines on one scale from 0 to `most`."""

    title: str
    unit: str
    most: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """The charts, and the stretch of time that they share."""

    since: datetime
    until: datetime
    charts: tuple[Chart, ...]

    @property
    def length(self) -> float:
        """In seconds."""
        return (self.until - self.since).total_seconds()


def progress(samples: Sequence[Sampled]) -> Progress | None:
    """None while there are too few samples for a line."""
    if len(samples) < 2 or samples[-1].at <= samples[0].at:
        return None
    since, until = samples[0].at, samples[-1].at
    depth = [(each.at, float(each.depth)) for each in samples if each.depth is not None]
    sent = _speed(samples, [each.spent for each in samples])
    known = _speed(samples, [each.processed + each.failed for each in samples])
    charts = [_chart("speed", "/s", {"sent": sent, "outcomes": known}, since, until)]
    if len(depth) > 1:
        charts.append(_chart("queue depth", "", {"waiting": depth}, since, until))
    return Progress(since, until, tuple(charts))


def _speed(samples: Sequence[Sampled], totals: Sequence[int]) -> list[tuple[datetime, float]]:
    """A second's worth, at the end of each stretch."""
    found, start = [(samples[0].at, 0.0)], 0
    for place, (_, later) in enumerate(pairwise(samples), 1):
        seconds = (later.at - samples[start].at).total_seconds()
        if seconds >= LEAST_SECONDS or place == len(samples) - 1:
            found.append((later.at, (totals[place] - totals[start]) / max(seconds, LEAST_SECONDS)))
            start = place
    return found


def _chart(
    title: str, unit: str, rows: dict[str, list[tuple[datetime, float]]], since: datetime, until: datetime
) -> Chart:
    most = max((value for points in rows.values() for _, value in points), default=0.0) or 1.0
    whole = (until - since).total_seconds()
    lines = (
        Line(name, " ".join(_point(at, value, since, whole, most) for at, value in points), points[-1][1])
        for name, points in rows.items()
    )
    return Chart(title, unit, round(most, 2), tuple(lines))


def _point(at: datetime, value: float, since: datetime, whole: float, most: float) -> str:
    x = WIDTH * (at - since).total_seconds() / whole
    return f"{x:.1f},{HEIGHT - 1 - (HEIGHT - 2) * value / most:.1f}"
