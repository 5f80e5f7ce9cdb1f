"""What a queue did over time, as Plotly figures: stacked charts with one cursor, and waits by hour. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log10

from agents.queues.values import Point, Tally
from dashboard.charts.topology import Chart, Figure, stacked

SPARK_WIDTH, SPARK_HEIGHT, POINTS = 90, 18, 30
DAY, HOUR = 24 * 60, 60


def of_queue(points: Sequence[Point], since: int, until: int, level: int) -> Figure:
    """Depth, age, in and out, wait and work; a stretch that nobody sampled is a gap, and never 0."""
    found = {each.start: each.tally for each in points}
    starts = range(since - since % level, until, level)

    def line(read: Callable[[Tally], float | None]) -> list[float | None]:
        return [read(found[start]) if start in found else None for start in starts]

    times = [datetime.fromtimestamp(start * 60, UTC).isoformat()[:16] for start in starts]
    figure = stacked(
        times,
        [
            Chart(
                "depth",
                "messages",
                (
                    ("most", line(lambda each: each.depth_max), "--accent"),
                    ("average", line(_depth), "--text-3"),
                    ("in hand", line(lambda each: each.unacked_max), "--paused"),
                ),
            ),
            Chart("oldest", "s", (("oldest", line(lambda each: round(each.age_max, 1)), "--warn"),)),
            Chart(
                "in and out",
                "/s",
                (
                    ("in", line(lambda each: _rate(each, each.entered)), "--accent"),
                    ("out", line(lambda each: _rate(each, each.left)), "--ok"),
                ),
            ),
            Chart("waited", "s", _quantiles(line, "wait")),
            Chart("took", "s", _quantiles(line, "work")),
        ],
    )
    # One cursor goes through all charts of the page.
    figure["layout"] |= {"hoversubplots": "axis", "hoverdistance": -1}
    return figure


@dataclass(frozen=True, slots=True)
class Hour:
    """One cell of the map: `heat` from 1 to 5, 0 where no wait was measured."""

    title: str
    heat: int
    p95: float | None


@dataclass(frozen=True, slots=True)
class Day:
    title: str
    hours: tuple[Hour, ...]


def by_hour(points: Sequence[Point]) -> list[Day]:
    """How long messages waited (p95), by day and hour, the newest day first; no day where no wait was measured.

    Heat follows the logarithm between the shortest and the longest: waits differ by orders of magnitude.
    """
    cells: dict[tuple[int, int], float] = {}
    for each in points:
        if (found := each.tally.wait.quantile(0.95)) is not None:
            cells[each.start // DAY, each.start % DAY // HOUR] = found / 1e9
    if not cells:
        return []
    low, high = (log10(max(each, 0.001)) for each in (min(cells.values()), max(cells.values())))
    days = range(max(day for day, _ in cells), min(day for day, _ in cells) - 1, -1)
    return [_day(day, cells, low, high) for day in days]


def _day(day: int, cells: Mapping[tuple[int, int], float], low: float, high: float) -> Day:
    title = datetime.fromtimestamp(day * DAY * 60, UTC).strftime("%a %d")
    hours = []
    for hour in range(24):
        p95 = cells.get((day, hour))
        share = 0.0 if p95 is None or high <= low else (log10(max(p95, 0.001)) - low) / (high - low)
        hours.append(Hour(f"{title}, {hour:02d}:00", 0 if p95 is None else 1 + round(4 * share), p95))
    return Day(title, tuple(hours))


def spark(depths: Sequence[tuple[int, int]], since: int, until: int) -> str:
    """Depth over time as the points of a line, the newest on the right; empty where there was none."""
    most_in = [0] * POINTS
    for start, depth in depths:
        at = (max(start, since) - since) * POINTS // max(until - since, 1)
        place = min(max(at, 0), POINTS - 1)
        most_in[place] = max(most_in[place], depth)
    if not (most := max(most_in)):
        return ""
    step = SPARK_WIDTH / (POINTS - 1)
    return " ".join(
        f"{number * step:.1f},{SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * depth / most:.1f}"
        for number, depth in enumerate(most_in)
    )


def _quantiles(
    line: Callable[[Callable[[Tally], float | None]], list[float | None]], name: str
) -> tuple[tuple[str, Sequence[float | None], str], ...]:
    def quantile(share: float) -> Callable[[Tally], float | None]:
        def read(tally: Tally) -> float | None:
            found = getattr(tally, name).quantile(share)
            return None if found is None else round(found / 1e9, 4)

        return read

    return (
        ("p99", line(quantile(0.99)), "--text-3"),
        ("p95", line(quantile(0.95)), "--warn"),
        ("p50", line(quantile(0.5)), "--accent"),
    )


def _depth(tally: Tally) -> float | None:
    return round(tally.depth_sum / tally.samples, 2) if tally.samples else None


def _rate(tally: Tally, count: float) -> float | None:
    return round(max(0.0, count) / tally.counted_s, 3) if tally.counted_s else None
