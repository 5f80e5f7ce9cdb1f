"""Why an alert fires: what was measured against the threshold, as one drawing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT, EDGE = 640, 150, 8
# What is higher than the threshold by so much is drawn at the top, with room above.
ROOM = 1.15


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement; None: it was not known."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nothing was known."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Series:
    """The drawing: lines of what was known, gaps between them, the threshold. `top` is the value at the top."""

    lines: tuple[str, ...]
    gaps: tuple[Gap, ...]
    threshold: float
    top: float
    since: datetime
    until: datetime
    last: tuple[float, float] | None
    width: int = WIDTH
    height: int = HEIGHT


def series(points: Sequence[Measured], threshold: float) -> Series | None:
    """None where nothing was measured."""
    known = [each.value for each in points if each.value is not None]
    if not points or not known:
        return None
    top = max(*known, threshold, 1e-9) * ROOM
    since, until = points[0].at, points[-1].at
    place = _Places(since, until, top)
    runs = list(_runs(points))
    drawn = [" ".join(f"{x},{y}" for x, y in map(place.of, run)) for run in runs]
    last = place.of(runs[-1][-1]) if points[-1].value is not None else None
    gaps = tuple(_gaps(points, place))
    return Series(tuple(drawn), gaps, place.y(threshold), top, since, until, last)


@dataclass(frozen=True, slots=True)
class _Places:
    since: datetime
    until: datetime
    top: float

    def x(self, at: datetime) -> float:
        lasted = (self.until - self.since).total_seconds() or 1.0
        return round(EDGE + (at - self.since).total_seconds() / lasted * (WIDTH - 2 * EDGE), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - EDGE - max(value, 0.0) / self.top * (HEIGHT - 2 * EDGE), 1)

    def of(self, point: Measured) -> tuple[float, float]:
        return self.x(point.at), self.y(point.value or 0.0)


def _runs(points: Sequence[Measured]) -> Iterator[list[Measured]]:
    """Stretches without a gap."""
    run: list[Measured] = []
    for point in points:
        if point.value is not None:
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _gaps(points: Sequence[Measured], place: _Places) -> Iterator[Gap]:
    """From the last that was known to the next that is."""
    began: datetime | None = None
    for before, point in zip([None, *points], points, strict=False):
        if point.value is None and began is None:
            began = before.at if before else point.at
        elif point.value is not None and began is not None:
            yield Gap(place.x(began), round(place.x(point.at) - place.x(began), 1))
            began = None
    if began is not None:
        yield Gap(place.x(began), round(place.x(points[-1].at) - place.x(began), 1))
