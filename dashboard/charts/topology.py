"""What a node of the topology did, minute by minute, as one Plotly figure of stacked charts. Pure.

Colours are names of the console's tokens (`var(--bad)`): the page puts in what they are in its theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agents.topology.values import Tally

Figure = dict[str, Any]
GAP = 0.11
HEIGHT = 104
TOP, BOTTOM = 20, 40


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of the stack: its title, its unit, and its lines by name, value a minute and colour."""

    title: str
    unit: str
    lines: tuple[tuple[str, Sequence[float | None], str], ...]


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes [since, until) and the tally of each; a minute without one had no traffic."""

    since: int
    until: int
    tallies: dict[int, Tally]

    def each(self) -> Iterable[Tally]:
        return (self.tallies.get(minute, QUIET) for minute in range(self.since, self.until))

    @property
    def times(self) -> list[str]:
        return [
            datetime.fromtimestamp(minute * 60, UTC).isoformat()[:16]
            for minute in range(self.since, self.until)
        ]


QUIET = Tally()


def of_node(minutes: Minutes, *, is_queue: bool) -> Figure:
    """Rate, errors, duration and queue wait by the minute; of a queue what was not taken, and the wait."""
    every = list(minutes.each())
    charts = [Chart("rate", "/min", (("rate", [tally.rate for tally in every], "--accent"),))]
    if is_queue:
        charts.append(_one("not received", "/min", [tally.missing for tally in every], "--unknown"))
    else:
        charts.append(_one("errors", "/min", [tally.errors for tally in every], "--bad"))
        charts.append(_one("p95", "ms", [_ms(tally.duration.quantile(0.95)) for tally in every], "--text-2"))
    waits = [_ms((tally.wait if tally.wait.buckets else tally.fetch).quantile(0.95)) for tally in every]
    if any(wait is not None for wait in waits):
        charts.append(_one("queue wait p95", "ms", waits, "--warn"))
    return stacked(minutes.times, charts)


def stacked(times: Sequence[str], charts: Sequence[Chart]) -> Figure:
    """Charts one above the other over one time axis, so that one look compares them."""
    layout: dict[str, Any] = {
        "height": HEIGHT * len(charts) + TOP + BOTTOM,
        "margin": {"l": 44, "r": 10, "t": TOP, "b": BOTTOM},
        "showlegend": False,
        "hovermode": "x unified",
        "xaxis": {"type": "date", "anchor": _axis("y", len(charts)), "showgrid": False, "fixedrange": True},
        "annotations": [],
    }
    data = []
    for number, chart in enumerate(charts, 1):
        low, high = _domain(number, len(charts))
        layout[_axis("yaxis", number)] = {
            "domain": [low, high], "rangemode": "tozero", "nticks": 3, "fixedrange": True, "zeroline": False,
        }  # fmt: skip
        layout["annotations"].append(_title(chart, high))
        data += [_line(times, chart, *line, axis=_axis("y", number)) for line in chart.lines]
    return {"data": data, "layout": layout}


def _one(title: str, unit: str, values: Sequence[float | None], colour: str) -> Chart:
    return Chart(title, unit, ((title, values, colour),))


def _axis(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{number}"


def _domain(number: int, count: int) -> tuple[float, float]:
    """The first chart on top."""
    size = (1 - GAP * (count - 1)) / count
    low = max(0.0, 1 - number * size - (number - 1) * GAP)
    return round(low, 4), round(min(1.0, low + size), 4)


def _title(chart: Chart, high: float) -> dict[str, Any]:
    return {
        "text": f"{chart.title}, {chart.unit}", "x": 0, "y": high, "xref": "paper", "yref": "paper",
        "xanchor": "left", "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip


def _line(
    times: Sequence[str], chart: Chart, name: str, values: Sequence[float | None], colour: str, *, axis: str
) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": list(times), "y": list(values), "yaxis": axis,
        "line": {"color": f"var({colour})", "width": 1.5, "shape": "hv"}, "connectgaps": False,
        "hovertemplate": f"%{{y:.3~s}} {chart.unit}",
    }  # fmt: skip


def _ms(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 1)
