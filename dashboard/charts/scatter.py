"""How long traces took over time, as points of a drawing: time to the right, duration upwards by its logarithm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agents.spans.listing import TraceRow

WIDTH, HEIGHT = 560, 200
LEFT, BOTTOM, EDGE = 52, 18, 6
# Shorter ones are drawn as if they took so long: a logarithm knows no zero.
SHORTEST = 1_000
DECADES = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8, 10**9, 10**10, 10**11, 10**12, 10**13)
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Point:
    """A trace: where it is drawn, and where a click on it leads."""

    x: float
    y: float
    failed: bool
    trace_id: str
    says: str
    took: int


@dataclass(frozen=True, slots=True)
class Line:
    """A round duration, across the drawing."""

    y: float
    took: int


@dataclass(frozen=True, slots=True)
class Scatter:
    """The drawing. No traces: no points, and nothing to say of quantiles."""

    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    quantiles: tuple[int, ...]
    since: int
    until: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def scatter(traces: Sequence[TraceRow]) -> Scatter:
    """Points in the order given; a click on a point is a click on the one drawn last."""
    if not traces:
        return Scatter((), (), (), 0, 0)
    across, upwards = _times(traces), _durations(traces)
    points = tuple(_point(each, across, upwards) for each in traces)
    lines = tuple(Line(upwards.place(each), each) for each in DECADES if upwards.holds(each))
    durations = quantiles([each.duration for each in traces])
    return Scatter(points, lines, durations, int(across.low), int(across.high))


@dataclass(frozen=True, slots=True)
class _Axis:
    """From a value to its place: the lowest at one end, the highest at the other."""

    low: float
    high: float
    first: float
    last: float
    by_logarithm: bool = False

    def place(self, value: float) -> float:
        share = (self._read(value) - self.low) / ((self.high - self.low) or 1)
        return round(self.first + share * (self.last - self.first), 1)

    def holds(self, value: float) -> bool:
        return self.low <= self._read(value) <= self.high

    def _read(self, value: float) -> float:
        return math.log10(max(value, SHORTEST)) if self.by_logarithm else value


def _times(traces: Sequence[TraceRow]) -> _Axis:
    starts = [each.start for each in traces]
    return _Axis(min(starts), max(starts), LEFT + EDGE, WIDTH - EDGE)


def _durations(traces: Sequence[TraceRow]) -> _Axis:
    """At least half a decade, so that equal ones stand at the foot and not everywhere."""
    logarithms = [math.log10(max(each.duration, SHORTEST)) for each in traces]
    highest = max(*logarithms, min(logarithms) + 0.5)
    return _Axis(min(logarithms), highest, HEIGHT - BOTTOM - EDGE, EDGE, by_logarithm=True)


def _point(trace: TraceRow, across: _Axis, upwards: _Axis) -> Point:
    return Point(
        across.place(trace.start),
        upwards.place(trace.duration),
        bool(trace.errors),
        trace.trace_id.hex(),
        f"{trace.name} · {trace.agent}",
        trace.duration,
    )


def quantiles(durations: Sequence[int]) -> tuple[int, ...]:
    """The nearest-rank quantiles p50, p95 and p99; of nothing, none."""
    ordered = sorted(durations)
    return tuple(ordered[math.ceil(share * len(ordered)) - 1] for share in QUANTILES) if ordered else ()
