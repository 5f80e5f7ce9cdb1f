"""What a workflow did over time, as one Plotly figure of stacked charts; and its line in a list. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from agents.topology.values import Tally
from dashboard.charts.topology import Chart, Figure, stacked

QUIET = Tally()
POINTS = 30
SPARK_WIDTH, SPARK_HEIGHT = 90, 18


def of_workflow(parts: Mapping[int, Tally], since: int, until: int, step: int) -> Figure:
    """Runs a minute, how long they took, and how many of them did not fail; a point for each `step` minutes."""
    starts = range(since - since % step, until, step)
    tallies = [parts.get(start, QUIET) for start in starts]
    times = [datetime.fromtimestamp(start * 60, UTC).isoformat()[:16] for start in starts]
    lasted = [(tally.duration.quantile(0.5), tally.duration.quantile(0.95)) for tally in tallies]
    return stacked(
        times,
        [
            Chart("runs", "/min", (("runs", [round(each.calls / step, 3) for each in tallies], "--accent"),)),
            Chart(
                "duration",
                "s",
                (
                    ("p95", [_seconds(p95) for _, p95 in lasted], "--text-2"),
                    ("p50", [_seconds(p50) for p50, _ in lasted], "--accent"),
                ),
            ),
            Chart("not failed", "%", (("not failed", [_success(each) for each in tallies], "--ok"),)),
        ],
    )


def spark(parts: Mapping[int, Tally], since: int, until: int) -> str:
    """Runs over time as the points of a line, the newest on the right; empty where there were none."""
    counts = [0.0] * POINTS
    for start, tally in parts.items():
        at = (max(start, since) - since) * POINTS // max(until - since, 1)
        counts[min(max(at, 0), POINTS - 1)] += tally.calls
    most = max(counts)
    if not most:
        return ""
    step = SPARK_WIDTH / (POINTS - 1)
    return " ".join(
        f"{number * step:.1f},{SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * count / most:.1f}"
        for number, count in enumerate(counts)
    )


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e9, 4)


def _success(tally: Tally) -> float | None:
    return round(100 * (tally.calls - tally.errors) / tally.calls, 2) if tally.calls else None
