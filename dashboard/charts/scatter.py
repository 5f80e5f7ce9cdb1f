"""How long spans took over time, as points of a drawing: time to the right, duration upwards by its logarithm. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agents.spans.api import Span
from agents.spans.listing import is_failed

WIDTH, HEIGHT = 960, 150
LEFT, BOTTOM, EDGE = 52, 18, 6
DECADES = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8, 10**9, 10**10, 10**11, 10**12, 10**13)
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Point:
    """A span: where it is drawn, and where a click on it leads."""

    x: float
    y: float
    failed: bool
    trace_id: str
    span_id: str
    says: str
    took: int


@dataclass(frozen=True, slots=True)
class Line:
    """A round duration, across the drawing."""

    y: float
    took: int


@dataclass(frozen=True, slots=True)
class Scatter:
    """The drawing. No spans: no points, and nothing to say of quantiles."""

    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    quantiles: tuple[int, ...]
    since: int
    until: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def scatter(spans: Sequence[Span]) -> Scatter:
    """Points in the order given; a click on a point is a click on the one drawn last."""
    if not spans:
        return Scatter((), (), (), 0, 0)
    since, until = min(span.start for span in spans), max(span.start for span in spans)
    lowest = math.log10(max(min(span.duration for span in spans), 1_000))
    highest = max(*(math.log10(span.duration + 1) for span in spans), lowest + 0.5)

    def x(moment: int) -> float:
        return round(LEFT + EDGE + (moment - since) / max(until - since, 1) * (WIDTH - LEFT - 2 * EDGE), 1)

    def y(took: int) -> float:
        share = (math.log10(max(took, 1_000)) - lowest) / (highest - lowest)
        return round(HEIGHT - BOTTOM - EDGE - share * (HEIGHT - BOTTOM - 2 * EDGE), 1)

    points = tuple(
        Point(
            x(span.start),
            y(span.duration),
            is_failed(span),
            span.trace_id.hex(),
            span.span_id.hex(),
            f"{span.name} · {span.agent}",
            span.duration,
        )
        for span in spans
    )
    lines = tuple(Line(y(each), each) for each in DECADES if lowest <= math.log10(each) <= highest)
    return Scatter(points, lines, quantiles([span.duration for span in spans]), since, until)


def quantiles(durations: Sequence[int]) -> tuple[int, ...]:
    """The nearest-rank quantiles p50, p95 and p99; of nothing, none."""
    ordered = sorted(durations)
    return tuple(ordered[math.ceil(share * len(ordered)) - 1] for share in QUANTILES) if ordered else ()
