"""The pages Traces, Trace and Logs: what they show, hide, say when there is nothing, and keep in the address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from agents.spans.api import SpanStore
from core.access import services
from core.access.api import Scope
from core.access.models import Role
from dashboard.pages import search
from tests.support import span_house
from tests.support.span_house import GHOST_QUEUE, SECRET, line, story, write
from tests.support.traces import processes, sends, span

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])

FIRST = f"{1:032x}"


@pytest.fixture
def store() -> Iterator[SpanStore]:
    with span_house.empty_store() as found:
        yield found


def person(role: str, scope: Scope | None = None) -> Client:
    actor = services.of_command("test")
    who = services.create_person(f"{role}-person", "a long enough phrase", actor)
    services.give(who, Role.objects.get(name=role), scope or Scope(), actor)
    client = Client()
    client.force_login(who, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def vera() -> Client:
    return person("viewer")


def text(client: Client, path: str, status: int = 200, **query: Any) -> str:
    answer = client.get(path, query_params=query)
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def drawn(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="trace-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


# ---- Traces ----------------------------------------------------------------------------------------------------
def test_nothing_yet__two_lines_to_paste(store: SpanStore, vera: Client) -> None:
    for path in ("/traces", "/logs"):
        page = text(vera, path)
        assert "yet" in page
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in page


def test_list_shows_traces_and_links_to_them(store: SpanStore, vera: Client) -> None:
    write(store, *story(1), *story(2))
    page = text(vera, "/traces")
    assert page.count('class="row-link"') == 2
    assert f'href="/traces/{FIRST}"' in page
    assert "with errors" in page


@pytest.mark.parametrize(("query", "rows"), [("order.id=o-2", 1), ("agent:nobody", 0), ("since:7d", 2)])
def test_search_narrows_the_list(store: SpanStore, vera: Client, query: str, rows: int) -> None:
    write(store, *story(1), *story(2))
    assert text(vera, "/traces", q=query).count('class="row-link"') == rows


def test_search_that_cannot_be_read__said_beside_the_box(store: SpanStore, vera: Client) -> None:
    page = text(vera, "/traces", 400, q="agnt:x")
    assert "Did you mean agent?" in page
    assert 'aria-invalid="true"' in page
    assert "Did you mean agent?" in text(vera, "/traces/around", q="agnt:x")


def test_counts_narrow_and_widen_the_search(store: SpanStore, vera: Client) -> None:
    write(store, *story(1))
    page = text(vera, "/traces/around", q="agent:extract")
    assert "q=agent%3Aextract+model%3Asmall-1" in page
    assert 'aria-current="true" title="agent extract"' in page
    assert "p95" in page
    assert text(vera, "/traces", counts="1").count("data-scatter") == 1


def test_counts_by_text__refused_to_who_may_not_read_payloads(store: SpanStore, vera: Client) -> None:
    write(store, *story(1))
    assert "read_payloads" in text(vera, "/traces/around", q="Jane")
    assert "read_payloads" not in text(person("operator"), "/traces/around", q="Jane")


def test_newer_traces_are_counted_by_their_commit(store: SpanStore, vera: Client) -> None:
    write(store, *story(1))
    tail = vera.get("/traces").context["tail"]
    write(store, *story(2), *story(3))
    found = vera.get("/traces/newer", {"after": tail, "q": "agent:extract"}).json()
    assert found["traces"] == [f"{2:032x}", f"{3:032x}"]
    assert vera.get("/traces/newer", {"after": found["cursor"]}).json()["traces"] == []
    assert vera.get("/traces/newer", {"after": "nonsense"}).status_code == 400


# ---- Trace -----------------------------------------------------------------------------------------------------
def test_trace_is_drawn_with_path_ghosts_errors_and_logs(store: SpanStore, vera: Client) -> None:
    spans = story()
    write(store, *spans, logs=(line(spans[2], "took it up"),))
    data = drawn(text(vera, f"/traces/{FIRST}"))
    assert data["lanes"] == ["intake", "extract"]
    assert [queue for *_, queue in data["path"] if queue] == ["extract.q"]
    assert [(row, queue) for row, _, queue, _ in data["ghosts"]] == [(5, GHOST_QUEUE)]
    assert data["errors"] == [[3, "TimeoutError: the model took too long"]]
    assert data["notes"][1:3] == [[2, "extract.q"], [3, "1,200 → 80 tokens"]]
    assert [log[3] for log in data["logs"]] == ["took it up"]
    assert data["pauses"] == [[120_000_000, 700_000_000]]


def test_a_message_taken_in_another_trace_is_no_ghost(store: SpanStore, vera: Client) -> None:
    write(store, sends("a", 1, "b.q", message_id="m-1"))
    write(store, processes("b", 2, "b.q", trace=2, at=50, message_id="m-1", links=((1, 1),)))
    assert drawn(text(vera, f"/traces/{FIRST}"))["ghosts"][0][3] == f"{2:032x}"


def test_page_without_scripts_shows_the_spans_and_one_in_detail(store: SpanStore, vera: Client) -> None:
    write(store, *story())
    page = text(vera, f"/traces/{FIRST}", span=f"{4:016x}")
    assert page.count('class="row-link"') >= 6
    assert "order.id" in page
    assert "[masked, 26 bytes]" in page
    assert SECRET not in page
    assert SECRET in text(person("operator"), f"/traces/{FIRST}", span=f"{4:016x}")


def test_span_details_of_a_span_that_is_not_there__404(store: SpanStore, vera: Client) -> None:
    write(store, *story())
    assert text(vera, f"/traces/{FIRST}/spans/{4:016x}").count("data-span=") == 1
    for span_id in (f"{99:016x}", "nonsense"):
        assert vera.get(f"/traces/{FIRST}/spans/{span_id}").status_code == 404


def test_scope__a_trace_elsewhere_is_not_there(store: SpanStore) -> None:
    write(store, *story(), span("pay", 1, trace=2, environment="staging"))
    inside = person("viewer", Scope("staging"))
    assert inside.get(f"/traces/{2:032x}").status_code == 200
    for path in (f"/traces/{FIRST}", f"/traces/{FIRST}/rows", f"/traces/{FIRST}/spans/{4:016x}", "/traces/x"):
        assert inside.get(path).status_code == 404


def test_large_trace_is_fetched_by_the_page(store: SpanStore, vera: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("dashboard.pages.trace.WITH_PAGE", 3)
    write(store, *story())
    page = text(vera, f"/traces/{FIRST}")
    assert "trace-data" not in page
    assert f'data-rows="/traces/{FIRST}/rows"' in page
    whole = vera.get(f"/traces/{FIRST}/rows").json()
    assert (len(whole["at"]), len(whole["ids"]), whole["complete"]) == (6, 6 * 16, True)


def test_compare__operation_by_operation(store: SpanStore, vera: Client) -> None:
    other = tuple(each._replace(duration=each.duration * 2) for each in story(2)[:3])
    write(store, *story(1), *other)
    page = vera.get(f"/traces/{FIRST}", {"with": f"{2:032x}"})
    found = {each.operation: each for each in page.context["differences"]}
    assert found["extract 3"].took == 600.0
    assert found["chat small-1"].only == "here"
    assert "There is no trace" in vera.get(f"/traces/{FIRST}", {"with": "x"}).content.decode()


# ---- Logs ------------------------------------------------------------------------------------------------------
def test_logs_by_severity_and_trace(store: SpanStore, vera: Client) -> None:
    spans = story()
    write(store, *spans, logs=(line(spans[0], "took it in"), line(spans[3], "model timed out", 17)))
    assert "took it in" in text(vera, "/logs")
    assert "took it in" not in text(vera, "/logs", severity="error")
    assert "model timed out" in text(vera, "/logs", trace=FIRST)
    assert "is no trace id" in text(vera, "/logs", 400, trace="x")
    assert "Did you mean" in text(vera, "/logs", 400, q="agnt:x")


def test_what_a_log_says_is_text_and_no_markup(store: SpanStore, vera: Client) -> None:
    write(store, *story(), logs=(line(story()[0], "</script><script>alert(1)"),))
    for path in ("/logs", f"/traces/{FIRST}"):
        assert "<script>alert" not in text(vera, path)


# ---- Where is it? ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("wanted", [FIRST, f"00-{FIRST}-{1:016x}-01", "m-1-of-many"])
def test_an_id_that_is_pasted_opens_its_trace(store: SpanStore, vera: Client, wanted: str) -> None:
    write(store, *story(), span("late", 9, message_id="m-1-of-many"))
    answer = vera.get("/where", {"id": wanted})
    assert (answer.status_code, answer["Location"]) == (302, f"/traces/{FIRST}")


def test_ids_outside_the_scope_are_not_found(store: SpanStore) -> None:
    write(store, *story())
    assert person("viewer", Scope("staging")).get("/where", {"id": FIRST}).status_code == 200
    assert "traces" in search.kinds()
