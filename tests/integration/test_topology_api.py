"""The graph for programs and for what is live: any stretch of time, and only what may be seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import clock
from core.access.api import Grant, Kind, Permission, Scope, Subject
from core.databases import DEFAULT, TELEMETRY
from dashboard.live import scopes
from dashboard.live.api import State
from dashboard.live.topology import WINDOW, Topology
from tests.support.api_client import Program
from tests.support.topology_rows import begin, shop, write
from tests.support.traces import START, sends

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]

BEGAN = datetime.fromtimestamp(START / 1e9, UTC).replace(second=0)
AT = (BEGAN + timedelta(minutes=5)).replace(second=30)


def ask(who: Program | None = None, **query: Any) -> Any:
    answer = (who or Program("viewer")).get("/api/v1/topology", **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def around() -> dict[str, Any]:
    return {
        "since": clock.rfc3339(BEGAN - timedelta(minutes=1)),
        "until": clock.rfc3339(BEGAN + timedelta(minutes=9)),
    }


def edge(graph: Any, source: str, target: str) -> Any:
    ends = {node["id"]: node["name"] for node in graph["nodes"]}
    pairs = {(ends[each["source"]], ends[each["target"]]): each for each in graph["edges"]}
    return pairs[source, target]


def test_graph_with_queues() -> None:
    write(shop())
    graph = ask(**around())
    kinds = {node["name"]: node["kind"] for node in graph["nodes"]}
    assert kinds == {
        "web": "agent", "classify": "agent", "extract": "agent", "claude-haiku": "model", "ocr": "tool",
        "intake.q": "queue", "extract.q": "queue", "archive.q": "queue",
    }  # fmt: skip
    assert edge(graph, "web", "intake.q")["rate"] == 3.0
    taken = edge(graph, "extract.q", "extract")
    assert (taken["errors"], taken["state"]) == (5, "bad")
    assert taken["wait_p50_ms"] == pytest.approx(598, rel=0.03)
    assert taken["p95_ms"] == pytest.approx(1200, rel=0.03)
    assert graph["revision"] == 1


def test_graph_without_queues__agents_and_what_never_arrived() -> None:
    write(shop())
    graph = ask(queues="false", **around())
    assert edge(graph, "web", "classify")["kind"] == "message"
    assert {node["name"] for node in graph["nodes"] if node["kind"] == "queue"} == {"archive.q"}


def test_sent_and_not_received() -> None:
    write(shop())
    lost = edge(ask(**around()), "extract", "archive.q")
    assert (lost["missing"], lost["state"]) == (30, "unknown")


def test_a_past_moment_shows_what_was_then() -> None:
    write(shop())
    then = ask(
        since=clock.rfc3339(BEGAN + timedelta(minutes=2)), until=clock.rfc3339(BEGAN + timedelta(minutes=3))
    )
    assert edge(then, "web", "intake.q")["rate"] in {3.0, 4.5, 6.0}
    before = ask(until=clock.rfc3339(BEGAN - timedelta(hours=1)))
    assert (before["nodes"], before["edges"]) == ([], [])


def test_what_is_quiet_stays_as_idle() -> None:
    write(shop())
    later = BEGAN + timedelta(hours=2)
    graph = ask(until=clock.rfc3339(later))
    assert {node["state"] for node in graph["nodes"]} == {"idle"}
    assert edge(graph, "web", "intake.q")["rate"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-20T10:00Z", "until": "2026-11-20T09:00Z"}, "until"),
        ({"queues": "maybe"}, "queues"),
        ({"limt": "5"}, "limt"),
    ],
)
def test_bad_input__refused_by_name(query: dict[str, str], field: str) -> None:
    answer = Program("viewer").get("/api/v1/topology", **query)
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_without_the_right__refused() -> None:
    assert Program("ingest").get("/api/v1/topology").status_code == 403


def test_a_narrow_scope_shows_its_own_agents_and_whom_they_talk_to() -> None:
    write(shop())
    graph = ask(Program("viewer", Scope(agent="web")), **around())
    assert {node["name"] for node in graph["nodes"]} == {"web", "intake.q", "classify"}


# ---- Live ------------------------------------------------------------------------------------------------------
def viewer(scope: Scope = Scope()) -> Subject:  # noqa: B008 - a frozen value
    return Subject(Kind.PERSON, "1", "ana", (Grant("viewer", frozenset({Permission.SEE}), scope),))


def seen(state: State, scope: Scope = Scope()) -> dict[str, Any]:  # noqa: B008
    rows = scopes.seen_by(Topology(), viewer(scope), state.rows)
    return {id: dict(row) for id, row in rows.items()}


def test_live_shows_what_the_api_shows() -> None:
    write(shop())
    with clock.held(AT):
        rows, graph = seen(Topology().load()), ask()
    drawn = {each["id"]: each for each in (*graph["nodes"], *graph["edges"])}
    assert {id: rows[id] for id in drawn} == drawn
    assert rows[WINDOW]["revision"] == 1


def test_live_reads_on_and_changes_only_what_changed() -> None:
    topic = Topology()
    with clock.held(AT):
        write(shop())
        before = topic.load()
        write([sends("web", 900_001, "intake.q", trace=9, at=begin(AT.timestamp()))])
        after = topic.load()
        assert after.rows == Topology().load().rows
    changed = {id for id, row in after.rows.items() if before.rows.get(id) is not row}
    assert changed == {WINDOW, "queue:production/intake.q", "agent:production/web"} | {
        id for id in changed if id.startswith("send:")
    }


def test_live_minutes_pass_without_spans() -> None:
    topic = Topology()
    write(shop())
    with clock.held(AT):
        busy = seen(topic.load())
    with clock.held(AT + timedelta(minutes=30)):
        quiet = seen(topic.load())
    assert busy["agent:production/web"]["rate"] > quiet["agent:production/web"]["rate"] == 0
    with clock.held(AT + timedelta(days=2)):
        assert set(topic.load().rows) == {WINDOW}


def test_live_in_a_narrow_scope() -> None:
    write(shop())
    with clock.held(AT):
        rows = seen(Topology().load(), Scope(agent="web"))
    assert {row["kind"] for id, row in rows.items() if id != WINDOW} == {"agent", "send", "message", "take"}
    assert [row["name"] for row in rows.values() if row.get("kind") == "agent"] == ["web"]
