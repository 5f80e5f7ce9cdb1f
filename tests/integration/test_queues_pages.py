"""Queues over pages and API: figures, states, who may see what, and what is not known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agents.ledger.api import Kind
from agents.queues.services import standing
from core import clock
from core.access.api import Scope
from core.access.audit.models import Entry
from core.databases import DEFAULT, TELEMETRY
from dashboard.live.queues import Queues
from tests.support.accounts import person, signed_in
from tests.support.api_client import Program
from tests.support.ledger_stories import event, keep
from tests.support.queue_brokers import Home
from tests.support.queue_rows import BROKER, history, queue, worker

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]
LIST = "/api/v1/queues"


@pytest.fixture
def vera() -> Client:
    return signed_in(person("vera", "viewer"))


@pytest.fixture
def program() -> Program:
    return Program("viewer")


def page(client: Client, path: str, **query: Any) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_list__the_contracts_shape(program: Program) -> None:
    queue()
    found = program.get(LIST).json()["results"][0]
    wanted = {"broker", "name", "depth", "unacknowledged", "oldest_age_s", "consumers", "in_rate", "out_rate"}
    assert wanted | {"sampled_at", "reachable"} <= found.keys()
    assert (found["broker"], found["name"], found["depth"], found["state"]) == (
        "main",
        "extract",
        12,
        "steady",
    )


def test_list__pages_by_cursor(program: Program) -> None:
    for number in range(5):
        queue(f"q-{number}")
    first = program.get(f"{LIST}?limit=3").json()
    rest = program.get(f"{LIST}?limit=3&cursor={first['next']}").json()
    assert [each["name"] for each in (*first["results"], *rest["results"])] == [f"q-{n}" for n in range(5)]


def test_list__is_narrowed(program: Program) -> None:
    queue("extract", consumers=0)
    queue("mail", environment="staging")
    assert [each["name"] for each in program.get(f"{LIST}?state=no_consumer").json()["results"]] == [
        "extract"
    ]
    assert [each["name"] for each in program.get(f"{LIST}?environment=staging").json()["results"]] == ["mail"]
    assert [each["name"] for each in program.get(f"{LIST}?q=xtr").json()["results"]] == ["extract"]
    assert program.get(f"{LIST}?state=nonsense").status_code == 400


def test_what_is_not_known__is_null_and_a_question_mark(program: Program, vera: Client) -> None:
    queue(consumers=None, in_rate=None, out_rate=None, growth=None)
    found = program.get(LIST).json()["results"][0]
    assert (found["consumers"], found["in_rate"], found["outlook"]["kind"]) == (None, None, "unknown")
    assert 'data-field="consumers" data-label="consumers">?<' in page(vera, "/queues")


def test_broker_away__last_figures_and_since_when(program: Program, vera: Client) -> None:
    queue(depth=12)
    standing.is_away(BROKER, "cannot reach main: refused")
    found = program.get(LIST).json()["results"][0]
    assert (found["depth"], found["reachable"], found["state"]) == (12, False, "unreachable")
    text = page(vera, "/queues")
    assert "Cannot reach <b>main</b> since" in text
    assert 'class="queue-old"' in text
    broker = program.get("/api/v1/brokers").json()["results"][0]
    assert (broker["reachable"], broker["reason"]) == (False, "cannot reach main: refused")


def test_one__with_history_times_and_workers(program: Program) -> None:
    row = queue()
    history(row)
    worker()
    found = program.get(f"{LIST}/main/extract").json()
    assert len(found["history"]) in {60, 61}
    # Of the hours that the last one touches: right after the full hour there are few.
    assert found["wait"]["messages"] > 0
    assert found["work"]["p95"] == pytest.approx(0.55, rel=0.1)
    assert found["workers"][0]["running"][0]["task"] == "shop.book"
    assert found["history"][-1]["in_rate"] == 4.0


def test_one__not_there__404_says_where_to_look(program: Program) -> None:
    answer = program.get(f"{LIST}/main/nothing")
    assert answer.status_code == 404
    assert "GET /api/v1/queues" in answer.json()["remedy"]


def test_one__a_name_with_slashes(program: Program, vera: Client) -> None:
    queue("eu/extract#1")
    assert program.get(f"{LIST}/main/eu/extract%231").json()["name"] == "eu/extract#1"
    page(vera, "/queues/main/one/eu/extract%231")


def test_scope__only_queues_that_one_may_see() -> None:
    queue("pay.in")
    queue("mail.in")
    worker("both@node", "pay.in", "mail.in", running=1)
    few = Program("viewer", scope=Scope("production", "mail.*", "*"))
    assert [each["name"] for each in few.get(LIST).json()["results"]] == ["mail.in"]
    assert few.get(f"{LIST}/main/pay.in").status_code == 404
    worker_ = few.get("/api/v1/workers").json()["results"][0]
    assert (worker_["queues"], worker_["running"]) == (["mail.in"], [])


def test_page__charts_only_where_they_are(vera: Client) -> None:
    history(queue())
    assert "plotly" not in page(vera, "/queues")
    text = page(vera, "/queues/main/one/extract")
    assert '"hoversubplots": "axis"' in text
    assert "heat-5" in text


def test_page__what_waits_by_its_events(vera: Client) -> None:
    queue()
    keep(event("waits-1", Kind.SENT, ago=90))
    assert "waits-1" in page(vera, "/queues/main/one/extract")


def test_page__nothing_sampled_yet(vera: Client) -> None:
    assert "Not asked yet" in page(vera, "/queues")


def test_page__sorted_by_urgency_and_by_column(vera: Client) -> None:
    queue("a-calm", depth=900)
    queue("b-alone", depth=3, consumers=0)
    text = page(vera, "/queues")
    assert text.index("b-alone") < text.index("a-calm")
    text = page(vera, "/queues", sort="-depth")
    assert text.index("a-calm") < text.index("b-alone")


def test_live__rows_are_text_and_grow_stale(vera: Client) -> None:
    row = queue(depth=4812)
    state = Queues().load()
    assert state.rows[str(row.pk)].data["depth"] == "4,812"
    with clock.held(clock.now() + timedelta(minutes=1)):
        assert Queues().load().rows[str(row.pk)].data["state"] == "stale"


def test_look__on_a_redis_in_place_and_masked(redis_url: str, vera: Client, settings: Any) -> None:
    settings.REDIS_URL = redis_url
    Home(redis_url).send("extract", "m-1")
    queue(depth=1)
    text = page(vera, "/queues/main/one/extract", peek="1")
    assert "m-1" in text
    assert "masked: it takes the right to read payloads" in text
    reader = signed_in(person("olga", "admin"))
    assert "[[], {}, {}" in page(reader, "/queues/main/one/extract", peek="1")
    assert not Entry.objects.filter(action="queue.peeked").exists()


def test_look_that_counts__needs_the_right_to_move(vera: Client) -> None:
    queue(depth=1)
    assert vera.post("/queues/main/peek/extract").status_code == 403


def test_look__the_broker_is_away__says_so(vera: Client) -> None:
    queue(depth=1)
    assert "cannot reach main" in page(vera, "/queues/main/one/extract", peek="1")
