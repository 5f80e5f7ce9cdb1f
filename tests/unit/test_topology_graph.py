"""What edges say of nodes and lines; health; and a drawing that is kept up is the one made anew."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.topology import figures
from agents.topology.drawing import Drawing
from agents.topology.figures import Health
from agents.topology.graph import Line, Node, NodeKind, draw
from agents.topology.sketch import Sketch
from agents.topology.values import Edge, EdgeKind, Tally

MINUTE = 60_000_000_000


def edge(kind: EdgeKind, source: str = "a", via: str = "", target: str = "b") -> Edge:
    return Edge("production", kind, source, via, target)


def node(kind: NodeKind, name: str) -> Node:
    return Node("production", kind, name)


@pytest.mark.parametrize(
    ("tally", "handed_over", "health"),
    [
        (Tally(), False, Health.IDLE),
        (Tally(calls=100), False, Health.OK),
        (Tally(calls=100, errors=1), False, Health.WARN),
        (Tally(calls=100, errors=10), False, Health.BAD),
        (Tally(calls=100, matched=100), True, Health.OK),
        (Tally(calls=100, matched=98), True, Health.OK),
        (Tally(calls=100, matched=70), True, Health.WARN),
        (Tally(calls=100), True, Health.UNKNOWN),
        # Two messages that were sent just now are on their way.
        (Tally(calls=2), True, Health.OK),
    ],
)
def test_health(tally: Tally, handed_over: bool, health: Health) -> None:
    assert figures.health(tally, handed_over=handed_over) is health


def test_a_message_through_a_queue_is_drawn_both_ways() -> None:
    graph = draw({edge(EdgeKind.MESSAGE, via="q"): Tally(calls=3)}, 1)
    one, queue, other = node(NodeKind.AGENT, "a"), node(NodeKind.QUEUE, "q"), node(NodeKind.AGENT, "b")
    assert set(graph.lines) == {Line("message", one, other, queued=True), Line("take", queue, other)}


def test_a_service_that_answers_with_spans_of_its_own_is_no_service() -> None:
    calls = edge(EdgeKind.SERVICE, target="db:5432")
    assert draw({calls: Tally(calls=2, matched=2)}, 1).lines == {}
    assert [line.kind for line in draw({calls: Tally(calls=2, matched=1)}, 1).lines] == ["service"]


def test_a_send_to_a_queue_without_a_name__drawn_when_nobody_took_it() -> None:
    sent = edge(EdgeKind.SEND, target="")
    assert draw({sent: Tally(calls=2, matched=2)}, 1).nodes == {}
    assert [line.target.name for line in draw({sent: Tally(calls=2)}, 1).lines] == [""]


def test_two_kinds_of_lines_between_the_same_nodes_have_two_ids() -> None:
    graph = draw({edge(EdgeKind.CALL): Tally(calls=1), edge(EdgeKind.MESSAGE): Tally(calls=1)}, 1)
    assert len({line.id for line in graph.lines}) == 2


def test_figures_of_a_model_are_the_sum_of_its_callers() -> None:
    edges = {
        edge(EdgeKind.MODEL, source=name, target="haiku"): Tally(calls=2, input_tokens=10) for name in "ab"
    }
    row = figures.of_node(
        node(NodeKind.MODEL, "haiku"), draw(edges, 2).nodes[node(NodeKind.MODEL, "haiku")], 2
    )
    assert (row["rate"], row["input_tokens"]) == (2.0, 20)


NAMES = st.sampled_from("abc")
EDGES = st.builds(
    Edge,
    st.just("production"),
    st.sampled_from(EdgeKind),
    NAMES,
    st.sampled_from(["", "q"]),
    NAMES,
)
TALLIES = st.builds(
    Tally,
    calls=st.integers(0, 9),
    matched=st.integers(0, 9),
    errors=st.integers(0, 3),
    last_seen=st.just(MINUTE),
)


@given(st.lists(st.tuples(EDGES, st.none() | TALLIES, st.booleans()), max_size=30))
def test_a_drawing_kept_up_is_the_one_made_anew(steps: list[tuple[Edge, Tally | None, bool]]) -> None:
    drawing, rows = Drawing(1), dict[str, Any]()
    edges: dict[Edge, Tally] = {}
    for changed, tally, settles in steps:
        if tally is None:
            drawing.drop(changed)
            edges.pop(changed, None)
        else:
            drawing.put(changed, tally)
            edges[changed] = tally
        if settles:
            _settle(drawing, rows)
    _settle(drawing, rows)
    anew = draw(edges, 1)
    expected = {each.id: figures.of_node(each, tally, 1) for each, tally in anew.nodes.items()}
    expected |= {each.id: figures.of_line(each, tally, 1) for each, tally in anew.lines.items()}
    assert rows == expected


def _settle(drawing: Drawing, rows: dict[str, Any]) -> None:
    drawn, gone = drawing.settle()
    for id in gone:
        rows.pop(id, None)
    rows.update({id: each.data for id, each in drawn.items()})


@given(st.dictionaries(st.integers(0, 300), st.integers(1, 50), max_size=20))
def test_quantiles_in_one_walk_are_those_of_the_sketch(buckets: dict[int, int]) -> None:
    sketch = Sketch(buckets)
    for name, share in figures.SHARES:
        exact = sketch.quantile(share)
        assert figures.quantiles(sketch)[name] == (None if exact is None else float(f"{exact / 1e6:.3g}"))
