"""What a queue did over time, as Plotly figures: stacked charts with one cursor, and waits by hour. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

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


def by_hour(points: Sequence[Point]) -> Figure | None:
    """How long messages waited (p95), by day and hour; None where no wait was measured."""
    cells: dict[tuple[int, int], float] = {}
    for each in points:
        if (found := each.tally.wait.quantile(0.95)) is not None:
            cells[each.start // DAY, each.start % DAY // HOUR] = round(found / 1e9, 3)
    if not cells:
        return None
    days = range(min(day for day, _ in cells), max(day for day, _ in cells) + 1)
    trace: dict[str, Any] = {
        "type": "heatmap",
        "x": [f"{hour:02d}:00" for hour in range(24)],
        "y": [datetime.fromtimestamp(day * DAY * 60, UTC).strftime("%a %d %b") for day in days],
        "z": [[cells.get((day, hour)) for hour in range(24)] for day in days],
        "colorscale": [[0, "var(--accent-soft)"], [1, "var(--warn)"]],
        "colorbar": {"thickness": 8, "outlinewidth": 0, "ticksuffix": " s", "len": 1},
        "hovertemplate": "%{y} %{x}: p95 %{z:.3~s} s<extra></extra>",
        "hoverongaps": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = {
        "height": 76 + 26 * len(days),
        "margin": {"l": 76, "r": 10, "t": 8, "b": 36},
        "xaxis": {"fixedrange": True, "nticks": 12, "showgrid": False},
        "yaxis": {"fixedrange": True, "autorange": "reversed", "type": "category", "showgrid": False},
    }
    return {"data": [trace], "layout": layout}


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
