"""Traces and logs over the API: each trace once, within what the asker may see, payloads hidden."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agents.spans.api import SpanStore
from core.access.api import Scope
from tests.support import span_house
from tests.support.api_client import Program
from tests.support.span_house import SECRET, line, story, write
from tests.support.traces import span

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(databases=["default", "telemetry"])]

FIRST = f"{1:032x}"


@pytest.fixture
def store() -> Iterator[SpanStore]:
    with span_house.empty_store() as found:
        yield found


@pytest.fixture
def viewer() -> Program:
    return Program("viewer")


def results(program: Program, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = program.get(path, **query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


# ---- The list --------------------------------------------------------------------------------------------------
def test_a_trace_is_listed_once_with_what_it_amounts_to(store: SpanStore, viewer: Program) -> None:
    write(store, *story())
    (row,) = results(viewer, "/api/v1/traces")
    assert (row["trace_id"], row["name"], row["agent"]) == (FIRST, "POST /documents", "intake")
    assert (row["spans"], row["errors"], row["state"]) == (6, 1, "with errors")
    assert (row["duration_ms"], row["agents"]) == (1300.0, ["intake", "extract"])


def test_pages_show_each_trace_once_and_the_newest_first(store: SpanStore, viewer: Program) -> None:
    for number in range(1, 8):
        write(store, *story(number, at=number * 100))
    seen, cursor = [], ""
    while True:
        answer = viewer.get("/api/v1/traces", limit=2, cursor=cursor).json()
        seen += [int(row["trace_id"], 16) for row in answer["results"]]
        assert len(answer["results"]) <= 2
        if not answer["next"]:
            break
        cursor = answer["next"]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("agent:extract", 2),
        ("agent:nobody", 0),
        ("status:error order.id=o-2", 1),
        ("duration:>60m", 0),
        ("message:m-1", 1),
        ('"too long"', 2),
    ],
)
def test_search_finds_traces_by_any_of_their_spans(
    store: SpanStore, viewer: Program, query: str, fits: int
) -> None:
    write(store, *story(1), *story(2))
    assert len(results(viewer, "/api/v1/traces", q=query)) == fits


def test_search_that_cannot_be_read__400_with_the_place(store: SpanStore, viewer: Program) -> None:
    answer = viewer.get("/api/v1/traces", q="agent:extract agnt:x")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "q"
    assert "at character 15" in answer.json()["detail"]
    assert "Did you mean agent?" in answer.json()["detail"]


def test_cursor_of_another_search__400(store: SpanStore, viewer: Program) -> None:
    write(store, *story(1), *story(2))
    cursor = viewer.get("/api/v1/traces", limit=1).json()["next"]
    assert viewer.get("/api/v1/traces", limit=1, cursor=cursor, q="agent:extract").status_code == 400
    assert viewer.get("/api/v1/traces", limit=1, cursor="nonsense").status_code == 400


def test_scope__only_what_the_program_may_see(store: SpanStore) -> None:
    write(store, *story(1), span("pay", 1, trace=2, environment="staging"))
    inside = Program("viewer", Scope("staging"))
    assert [row["agent"] for row in results(inside, "/api/v1/traces")] == ["pay"]
    assert inside.get(f"/api/v1/traces/{FIRST}").status_code == 404
    counted = inside.get("/api/v1/traces/facets", fields="agent").json()
    assert counted["counts"] == {"agent": [{"value": "pay", "spans": 1}]}
    assert results(inside, "/api/v1/traces/suggestions", q="agent:") == [
        {"text": "agent:pay", "about": "1 spans"}
    ]


# ---- One trace -------------------------------------------------------------------------------------------------
def test_a_trace_in_the_shape_of_the_contract(store: SpanStore, viewer: Program) -> None:
    write(store, *story())
    trace = viewer.get(f"/api/v1/traces/{FIRST}").json()
    assert (trace["trace_id"], trace["complete"], len(trace["spans"])) == (FIRST, True, 6)
    names = {"span_id", "parent_span_id", "name", "agent", "kind", "status", "start", "duration_ms"}
    for each in trace["spans"]:
        assert names | {"attributes", "links", "events"} <= each.keys()
    process = trace["spans"][2]
    assert (process["kind"], process["parent_span_id"], process["duration_ms"]) == (
        "consumer",
        f"{2:016x}",
        600.0,
    )
    assert process["links"][0]["span_id"] == f"{2:016x}"
    assert [piece["queue"] for piece in trace["critical_path"] if piece["queue"]] == ["extract.q"]
    assert [ghost["queue"] for ghost in trace["not_received"]] == [span_house.GHOST_QUEUE]


@pytest.mark.parametrize(("trace_id", "status"), [(f"{9:032x}", 404), ("abc", 400), ("z" * 32, 400)])
def test_a_trace_that_is_not_there(store: SpanStore, viewer: Program, trace_id: str, status: int) -> None:
    answer = viewer.get(f"/api/v1/traces/{trace_id}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


# ---- Payloads --------------------------------------------------------------------------------------------------
def test_payloads__hidden_from_the_viewer_and_shown_to_the_operator(
    store: SpanStore, viewer: Program
) -> None:
    write(store, *story())
    hidden = viewer.get(f"/api/v1/traces/{FIRST}").content.decode()
    assert SECRET not in hidden
    assert "[masked, 26 bytes]" in hidden
    assert "the model took too long" in hidden
    assert SECRET in Program("operator").get(f"/api/v1/traces/{FIRST}").content.decode()


@pytest.mark.parametrize("query", ['"called Jane"', "gen_ai.input.messages=*Jane*"])
def test_payloads__not_found_by_who_may_not_read_them(store: SpanStore, viewer: Program, query: str) -> None:
    write(store, *story(1), *story(2))
    assert results(viewer, "/api/v1/traces", q=query) == []
    assert len(results(Program("operator"), "/api/v1/traces", q=query)) == 2
    assert viewer.get("/api/v1/traces/facets", q=query).status_code == 403


# ---- Logs ------------------------------------------------------------------------------------------------------
def test_logs__by_text_severity_trace_and_agent(store: SpanStore, viewer: Program) -> None:
    spans = story()
    write(store, *spans, logs=(line(spans[0], "took it in"), line(spans[3], "model timed out", 17)))
    assert [row["body"] for row in results(viewer, "/api/v1/logs")] == ["model timed out", "took it in"]
    for query in ({"q": "timed"}, {"severity": "warn"}, {"agent": "extract"}, {"q": "severity:error"}):
        assert [row["body"] for row in results(viewer, "/api/v1/logs", **query)] == ["model timed out"]
    assert len(results(viewer, "/api/v1/logs", trace=FIRST)) == 2
    assert viewer.get("/api/v1/logs", trace="x").status_code == 400
    assert viewer.get("/api/v1/logs", severity="loud").status_code == 400


def test_logs__tail_gives_what_was_committed_since_in_order(store: SpanStore, viewer: Program) -> None:
    spans = story()
    write(store, logs=(line(spans[0], "before"),))
    tail = viewer.get("/api/v1/logs", tail="now").json()["tail"]
    write(store, logs=(line(spans[0], "first"), line(spans[1], "quiet", 5)))
    write(store, logs=(line(spans[0], "second"),))
    answer = viewer.get("/api/v1/logs", tail=tail, severity="info").json()
    assert [row["body"] for row in answer["results"]] == ["first", "second"]
    assert viewer.get("/api/v1/logs", tail=answer["tail"]).json()["results"] == []


def test_logs__payloads_of_attributes_hidden(store: SpanStore, viewer: Program) -> None:
    attributes = b'{"input.value":"the patient is called Jane","line":7}'
    write(store, logs=(line(story()[0], "asked", attributes=attributes),))
    assert results(viewer, "/api/v1/logs")[0]["attributes"] == {
        "input.value": "[masked, 26 bytes]",
        "line": 7,
    }
    assert results(viewer, "/api/v1/logs", q="Jane") == []
    assert len(results(Program("operator"), "/api/v1/logs", q="Jane")) == 1
