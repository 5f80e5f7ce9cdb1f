"""Workflows over pages and API: figures, states, the path, runs, cost, and who may see what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from agents.ledger.models import MessageRow
from agents.prices.models import ModelPrice
from agents.spans.values import Span, Status
from agents.topology.models import WorkflowRow
from core import clock
from core.access.api import Scope
from core.access.audit.models import Entry
from core.databases import DEFAULT, TELEMETRY
from tests.support import topology_rows, workflow_rows
from tests.support.accounts import person, signed_in
from tests.support.span_house import empty_store
from tests.support.span_house import write as store_spans
from tests.support.traces import START, processes, sends, span

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]

LATER = datetime.fromtimestamp(START / 1e9 + 900, UTC)


def order(number: int, *, at: int, fails: bool = False, taken: bool = True) -> list[Span]:
    """A run of `orders`; the last message is left lying where nobody took it."""
    base = 100 * number
    more: dict[str, Any] = {"trace": number, "workflow": "orders"}
    error: dict[str, Any] = {"status": Status.ERROR, "error_type": "Refused"} if fails else {}
    story = [
        span("web", base + 1, name="take order", at=at, ms=20, **more),
        sends("web", base + 2, "pay.q", parent=base + 1, at=at + 10, ms=5, **more),
        processes("pay", base + 3, "pay.q", parent=base + 2, at=at + 60, ms=300, **more, **error),
        span(
            "pay", base + 4, parent=base + 3, at=at + 70, ms=200, model="large-2", system="acme",
            input_tokens=900_000, output_tokens=100_000, **more,
        ),
    ]  # fmt: skip
    return [
        *story,
        *([] if taken else [sends("pay", base + 5, "ship.q", parent=base + 3, at=at + 350, **more)]),
    ]


STORY = [
    *(each for number in range(1, 9) for each in order(number, at=number * 1000)),
    *order(9, at=20_000, fails=True),
    *order(10, at=30_000, taken=False),
    *order(11, at=880_000, taken=False),
    # Its parent never comes, and it is silent for long.
    span("cron", 5_000, trace=50, parent=4_999, at=40_000, name="nightly"),
]


@pytest.fixture
def vera() -> Client:
    return signed_in(person("vera", "viewer"))


@pytest.fixture
def ran() -> Iterator[None]:
    with clock.held(LATER):
        topology_rows.write(STORY)
        workflow_rows.write(STORY)
        yield


@pytest.fixture
def priced() -> None:
    ModelPrice.objects.create(
        model="large-*", valid_from=date(2026, 1, 1), currency="EUR", input=Decimal(1), output=Decimal(10)
    )


def uid(name: str = "orders") -> str:
    return str(WorkflowRow.objects.get(name=name).uid)


def text(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query_params=query)
    assert answer.status_code == 200, answer.content[:800]
    return answer.content.decode()


def test_the_list_says_how_runs_went(vera: Client, ran: None) -> None:
    rows = {row["title"]: row for row in vera.get("/api/v1/workflows").json()["results"]}
    assert set(rows) == {"orders", "cron: nightly"}
    told = {
        name: rows["orders"][name] for name in ("runs", "done", "failing", "running", "unfinished", "state")
    }
    assert told == {"runs": 11, "done": 8, "failing": 1, "running": 1, "unfinished": 1, "state": "unknown"}
    assert rows["orders"]["success"] == round(8 / 9, 4)
    page = text(vera, "/workflows")
    for words in ("orders", "unfinished", "cron: nightly", "data-spark"):
        assert words in page
    assert "orders" not in text(vera, "/workflows", q="nightly").partition("<tbody")[2]
    assert set(vera.get("/workflows/newest").json()) == {row["id"] for row in rows.values()}


def test_a_run_lasts_until_its_last_work(vera: Client, ran: None) -> None:
    runs = vera.get(f"/api/v1/workflows/{uid()}/runs").json()["results"]
    assert [run["state"] for run in runs] == ["running", "unfinished", "failed", *["ok"] * 8]
    assert runs[-1]["duration_ms"] == 360.0
    assert runs[-1]["spans"] == 4


@pytest.mark.parametrize(("state", "count"), [("ok", 8), ("failed", 1), ("unfinished", 1), ("running", 1)])
def test_runs_by_state(vera: Client, ran: None, state: str, count: int) -> None:
    answer = vera.get(f"/api/v1/workflows/{uid()}/runs", {"state": state}).json()
    assert [run["state"] for run in answer["results"]] == [state] * count
    assert text(vera, f"/workflows/{uid()}", state=state).count("row-link mono") == count


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "no message of it is known"),
        ({"ship-10": "waiting", "pay-10": "succeeded"}, "1 waiting"),
        ({"ship-10": "dead", "pay-10": "succeeded"}, "all of its messages are over"),
    ],
)
def test_an_unfinished_run_says_what_is_known_of_its_messages(
    vera: Client, ran: None, known: dict[str, str], said: str
) -> None:
    for message_id, state in known.items():
        MessageRow.objects.create(
            environment="production", message_id=message_id, state=state, trace_id=f"{10:032x}"
        )
    page = text(vera, f"/workflows/{uid()}", state="unfinished")
    assert f'/messages?trace={10:032x}">{said}</a>' in page


def test_runs_come_page_by_page(vera: Client, ran: None) -> None:
    found, cursor, more = list[str](), "", True
    while more:
        answer = vera.get(f"/api/v1/workflows/{uid()}/runs", {"limit": "4", "cursor": cursor}).json()
        found += [run["trace_id"] for run in answer["results"]]
        cursor, more = answer["next"] or "", answer["next"] is not None
    assert len(found) == len(set(found)) == 11
    assert vera.get(f"/workflows/{uid()}", {"cursor": "nonsense"}).status_code == 400


def test_the_path_tells_waiting_from_work(vera: Client, ran: None) -> None:
    (hop,) = vera.get(f"/api/v1/workflows/{uid()}").json()["path"]
    assert (hop["source"], hop["queue"], hop["target"], hop["share"]) == ("web", "pay.q", "pay", 1.0)
    assert abs(hop["wait_p50_ms"] - 45) < 2
    assert abs(hop["p50_ms"] - 300) < 8
    page = text(vera, f"/workflows/{uid()}")
    for words in ("wait 4", "pay.q", "The same as a table", "workflow-figure", "group=workflow"):
        assert words in page


def test_cost_is_told_where_there_is_a_price(vera: Client, ran: None, priced: None) -> None:
    answer = vera.get(f"/api/v1/workflows/{uid()}").json()
    assert answer["cost"] == {"amounts": [{"currency": "EUR", "amount": "20.9"}], "no_price_for": []}
    run = vera.get(f"/api/v1/workflows/{uid()}/runs").json()["results"][0]
    assert run["cost"]["amounts"] == [{"currency": "EUR", "amount": "1.9"}]
    assert "20.90 EUR" in text(vera, f"/workflows/{uid()}")
    panel = text(vera, "/topology/node", node="model:production/large-2")
    assert "20.90 EUR" in panel
    assert "20.90 EUR" in text(vera, "/topology/node", node="agent:production/pay")


def test_without_a_price_the_page_says_so_and_where_to_enter_one(vera: Client, ran: None) -> None:
    assert "no price for large-2" in text(vera, f"/workflows/{uid()}")
    assert "add one" not in text(vera, f"/workflows/{uid()}")
    admin = signed_in(person("ana", "admin"))
    assert "/admin/prices/modelprice/add/?model=large-2&amp;provider=acme" in text(
        admin, f"/workflows/{uid()}"
    )


def test_a_narrow_scope_sees_workflows_that_begin_with_its_agents(ran: None) -> None:
    narrow = signed_in(person("wil", "viewer", scope=Scope(agent="pay")))
    assert narrow.get("/api/v1/workflows").json()["results"] == []
    for path in (f"/api/v1/workflows/{uid()}", f"/api/v1/workflows/{uid()}/runs", f"/workflows/{uid()}"):
        assert narrow.get(path).status_code == 404
    assert signed_in(person("max")).get("/workflows").status_code == 403


def test_empty__how_the_first_one_comes(vera: Client) -> None:
    assert "appears by itself with its first trace" in text(vera, "/workflows")


def test_the_graph_knows_which_workflow_a_node_is_in(vera: Client, ran: None) -> None:
    page = text(vera, "/topology", group="workflow")
    assert '"agent:production/pay": "orders"' in page
    assert '"queue:production/pay.q": "orders"' in page


def test_the_overview_shows_traffic(vera: Client, ran: None) -> None:
    assert "orders" in text(vera, "/")


def test_a_trace_stands_beside_the_usual_run_of_its_workflow(vera: Client, priced: None) -> None:
    with empty_store() as store, clock.held(LATER):
        store_spans(store, *STORY)
        workflow_rows.write(STORY)
        here = (9).to_bytes(16, "big").hex()
        page = text(vera, f"/traces/{here}")
        for words in (f'href="/workflows/{uid()}"', "The usual run", "1.90 EUR", "tokens \\u00b7 1.90 EUR"):
            assert words in page
        beside = text(vera, f"/traces/{here}", **{"with": "usual"})
        assert "Difference" in beside
        assert "There is no trace" in text(vera, f"/traces/{here}", **{"with": "ab" * 16})


def test_prices_are_entered_in_the_admin_and_audited() -> None:
    admin = signed_in(person("ana", "admin"))
    form = {
        "model": "large-2", "provider": "", "valid_from": "2026-11-01", "currency": "USD",
        "input": "3", "output": "15", "cached": "",
    }  # fmt: skip
    assert admin.post("/admin/prices/modelprice/add/", form).status_code == 302
    row = ModelPrice.objects.get()
    admin.post(f"/admin/prices/modelprice/{row.pk}/change/", form | {"input": "4"})
    admin.post(f"/admin/prices/modelprice/{row.pk}/delete/", {"post": "yes"})
    actions = (
        Entry.objects.filter(on_kind="model price").order_by("sequence").values_list("action", flat=True)
    )
    assert list(actions) == ["price.entered", "price.changed", "price.deleted"]
    assert admin.post("/admin/prices/modelprice/add/", form | {"currency": "dollars"}).status_code == 200
    assert signed_in(person("vera", "viewer")).get("/admin/prices/modelprice/").status_code == 403
