"""A node's minutes as a figure that Plotly accepts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest

from agents.topology.values import Tally
from dashboard.charts.topology import Minutes, of_node


def tally(calls: int, *durations: int, waits: tuple[int, ...] = (), **more: Any) -> Tally:
    made = Tally(calls=calls, **more)
    for sketch, values in ((made.duration, durations), (made.wait, waits)):
        for value in values:
            sketch.add(value * 1_000_000)
    return made


def lines(figure: dict[str, Any]) -> dict[str, list[float | None]]:
    return {trace["name"]: trace["y"] for trace in figure["data"]}


@pytest.mark.parametrize("is_queue", [False, True])
def test_plotly_accepts_it(is_queue: bool) -> None:
    figure = of_node(Minutes(0, 3, {1: tally(5, 20, waits=(30,))}), is_queue=is_queue)
    for trace in figure["data"]:
        # The page puts the theme's colours in; Plotly in Python knows none by name.
        trace["line"]["color"] = "#000"
    go.Figure(figure)


def test_every_minute_is_there_and_a_quiet_one_is_zero() -> None:
    drawn = lines(of_node(Minutes(10, 14, {11: tally(5, 20, errors=2)}), is_queue=False))
    assert drawn["rate"] == [0, 5, 0, 0]
    assert drawn["errors"] == [0, 2, 0, 0]
    assert drawn["p95"] == [None, pytest.approx(20, rel=0.03), None, None]
    assert "queue wait p95" not in drawn


def test_a_queue_shows_what_was_not_received_and_how_long_it_held() -> None:
    drawn = lines(of_node(Minutes(0, 2, {0: tally(5, matched=3, waits=(40,))}), is_queue=True))
    assert set(drawn) == {"rate", "not received", "queue wait p95"}
    assert drawn["not received"] == [2, 0]


def test_charts_stand_apart_one_above_the_other() -> None:
    layout = of_node(Minutes(0, 2, {0: tally(5, 20, waits=(40,))}), is_queue=False)["layout"]
    domains = [axis["domain"] for name, axis in layout.items() if name.startswith("yaxis")]
    assert domains == sorted(domains, reverse=True)
    assert all(low < high for low, high in domains)
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
