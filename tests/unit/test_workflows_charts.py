"""The drawing of a path, and the line of a list."""

from __future__ import annotations

from typing import Any

from agents.topology.values import Tally
from dashboard.charts import path
from dashboard.charts.workflow import of_workflow, spark


def hop(source: str, target: str, share: float = 1.0) -> dict[str, Any]:
    return {"source": source, "target": target, "queue": "q", "share": share, "state": "ok"}


def columns(drawing: path.Drawing) -> dict[str, float]:
    return {box.name: round((box.x - path.MARGIN) / path.COLUMN) for box in drawing.boxes}


def test_agents_stand_after_everyone_they_hear_from() -> None:
    drawing = path.draw("web", [hop("web", "a"), hop("web", "b"), hop("a", "b"), hop("b", "c", 0.2)], {})
    assert columns(drawing) == {"web": 0, "a": 1, "b": 2, "c": 3}
    assert [line.usual for line in drawing.lines] == [True, True, True, False]


def test_a_ring_is_cut_and_what_leads_back_is_not_drawn() -> None:
    drawing = path.draw("web", [hop("web", "a"), hop("a", "b"), hop("b", "web"), hop("a", "a")], {})
    assert columns(drawing) == {"web": 0, "a": 1, "b": 2}
    assert len(drawing.lines) == 2


def test_of_very_many_agents_the_most_used_are_drawn() -> None:
    drawing = path.draw("web", [hop("web", f"agent-{n}") for n in range(60)], {})
    assert (len(drawing.boxes), drawing.left_out) == (path.MOST_AGENTS, 61 - path.MOST_AGENTS)


def test_a_path_without_hops_is_its_root() -> None:
    assert columns(path.draw("web", [], {})) == {"web": 0}


def test_the_line_of_a_list_rises_where_runs_are() -> None:
    points = [
        float(point.split(",")[1]) for point in spark({40: Tally(calls=4), 59: Tally(calls=2)}, 0, 60).split()
    ]
    assert points.index(min(points)) == 20
    assert spark({}, 0, 60) == ""


def test_charts_have_a_point_for_each_step_and_gaps_where_nothing_ran() -> None:
    figure = of_workflow({10: Tally(calls=20, errors=5)}, 3, 40, 10)
    drawn = {line["name"]: line["y"] for line in figure["data"]}
    assert drawn["runs"] == [0.0, 2.0, 0.0, 0.0]
    assert drawn["not failed"] == [None, 75.0, None, None]
