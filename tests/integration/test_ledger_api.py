"""Messages for programs and on pages: what is found, by whom, and one with its whole way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agents.ledger import api as ledger
from agents.ledger.api import Event, Key, Kind
from agents.ledger.models import EventRow, Gap, MessageRow
from agents.ledger.services import ears, retention
from agents.ledger.services.arriving import take, take_observed, take_spans
from agents.ledger.services.ears import Way, WayKind
from agents.ledger.values import Source
from agents.registry.services import heartbeats
from agents.registry.values import Heartbeat
from core import clock
from core.access.api import Scope
from core.databases import DEFAULT, TELEMETRY
from dashboard.live.messages import Messages
from tests.support.accounts import person, signed_in
from tests.support.api_client import Program
from tests.support.ledger_stories import by, crowd, event, journey, keep
from tests.support.traces import processes

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]
LIST = "/api/v1/messages"


@pytest.fixture
def viewer() -> Program:
    return Program("viewer")


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "viewer"))


def found(program: Program, **filters: Any) -> set[str]:
    answer = program.get(LIST, **filters)
    assert answer.status_code == 200, answer.content
    return {row["id"] for row in answer.json()["results"]}


def test_filters_find_what_fits(viewer: Program) -> None:
    journey()
    crowd()
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"trace": "AB" * 16}, {"inv-1", "pay-1", "mail-1"}),
        ({"conversation": "talk-1", "state": "sent"}, {"mail-1"}),
        ({"state": "dead"}, {"crowd-dead"}),
        ({"state": "lost"}, {"lost-1"}),
        ({"state": "retrying"}, {"crowd-retrying"}),
        ({"queue": "pay"}, {"pay-1"}),
        ({"agent": "books"}, {"seen-1"}),
        ({"sender": "payments"}, {"mail-1"}),
        ({"workflow": "invoices", "state": "succeeded"}, {"inv-1", "pay-1"}),
        ({"state": "sent", "age": 590}, {"mail-1"}),
        ({"q": "pay-1"}, {"pay-1"}),
        ({"q": "card refused"}, {"crowd-dead", "crowd-refused", "crowd-retrying"}),
        ({"q": "nothing-like-it"}, set()),
        ({"environment": "staging"}, set()),
    ]
    for filters, ids in cases:
        assert found(viewer, **filters) == ids, filters
    assert viewer.get(LIST, state="vanished").status_code == 400
    assert viewer.get(LIST, colour="red").status_code == 400


def test_pages_follow_each_other_without_gaps(viewer: Program) -> None:
    crowd()
    first = viewer.get(LIST, limit=8).json()
    second = viewer.get(LIST, limit=8, cursor=first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert len(ids) == len(set(ids)) == MessageRow.objects.count()
    assert second["next"] is None


def test_one_message_has_its_whole_way(viewer: Program) -> None:
    journey()
    one = viewer.get(f"{LIST}/pay-1").json()
    assert (one["state"], one["redrives"], one["attempt"], one["queue"]) == ("succeeded", 1, 1, "pay")
    assert [step["kind"] for step in one["history"]] == [
        "sent", "running", "retrying", "running", "dead", "sent", "running", "succeeded",
    ]  # fmt: skip
    assert [(each["redrive"], each["number"], each["outcome"]) for each in one["attempts"]] == [
        (0, 1, "retrying"), (0, 2, "dead"), (1, 1, "succeeded"),
    ]  # fmt: skip
    assert one["attempts"][0]["error"]["type"] == "TimeoutError"
    assert (one["led_to"], one["caused"]) == (["inv-1"], ["mail-1"])
    assert one["sources"] == ["library", "postroom"]
    assert viewer.get(f"{LIST}/not/there").status_code == 404


def test_who_is_bound_to_an_agent_sees_what_it_handles_and_sends() -> None:
    journey()
    bound = Program("viewer", Scope(agent="payments"))
    assert found(bound) == {"pay-1", "mail-1"}
    assert bound.get(f"{LIST}/inv-1").status_code == 404
    assert found(Program("viewer", Scope(environment="staging"), name="elsewhere")) == set()


def test_what_an_onlooker_told_is_marked__and_moves_to_its_environment(viewer: Program) -> None:
    seen = Event(id="1", kind=Kind.RUNNING, at=clock.now(), message_id="m", attempt=1, source=Source.CELERY)
    take_observed([seen], "celery")
    one = viewer.get(f"{LIST}/m").json()
    assert (one["observed_only"], one["environment"]) == (True, "default")
    take(
        [b'{"id":"2","kind":"sent","at":"2026-11-26T14:00:00Z","message_id":"m","environment":"production"}'],
        "main",
    )
    assert [(row.environment, row.state) for row in MessageRow.objects.all()] == [("production", "running")]
    assert viewer.get(f"{LIST}/m").json()["observed_only"] is False


def test_spans_tell_of_messages_that_nobody_else_tells_of() -> None:
    span = processes("extract", 1, "q")._replace(message_id="from-span", environment="production")
    take_spans([span, span])
    take_spans([span])
    assert MessageRow.objects.get().state == "succeeded"
    assert EventRow.objects.count() == 2
    keep(event("told", Kind.SENT))
    take_spans([span._replace(message_id="told", span_id=b"12345678")])
    assert MessageRow.objects.get(message_id="told").state == "sent"


def test_postroom_itself_tells__and_outcomes_are_followed_by_a_cursor() -> None:
    journey()
    cursor = ledger.newest()
    purged = Event(
        id="p",
        kind=Kind.PURGED,
        at=clock.now(),
        message_id="pay-1",
        environment="production",
        redrive=1,
        attempt=1,
    )
    for _ in range(2):
        ledger.tell([purged])
    heard = ledger.events_since(cursor)
    assert [each.event.kind for each in heard.events] == [Kind.PURGED]
    assert ledger.events_since(heard.cursor).events == []
    key = Key("production", "pay-1")
    assert ledger.messages([key])[key].state == "purged"
    assert [each.message_id for each in ledger.of_trace("ab" * 16)] == ["inv-1", "pay-1", "mail-1"]


def test_in_hand_of_an_instance_that_is_long_down__lost(viewer: Program) -> None:
    now = clock.now()
    with clock.held(now - timedelta(hours=3)):
        beat = Heartbeat("extract", "extract-9", "production", clock.now(), status="stopping")
        heartbeats.beat([beat])
        keep(
            event("held", Kind.RUNNING, 1, **by("extract", 9)),
            event("other", Kind.RUNNING, 1, **by("extract", 8)),
        )
    assert found(viewer, state="lost") == {"held"}
    assert found(viewer, state="running") == {"other"}


def test_what_was_not_heard_is_noted_once_it_is_heard_again() -> None:
    way = Way("main", WayKind.CELERY)
    began = clock.now() - timedelta(hours=1)
    with clock.held(began):
        ears.opened(way)
    with clock.held(began + timedelta(minutes=1)):
        ears.lost(way, "connection refused")
    with clock.held(began + timedelta(minutes=9)):
        ears.opened(way)
        ears.opened(Way("main", WayKind.EVENTS))
    assert [(gap.since, gap.until) for gap in Gap.objects.all()] == [(began, began + timedelta(minutes=9))]


def test_what_is_old_is_forgotten_with_its_events(settings: Any) -> None:
    with clock.held(clock.now() - settings.POSTROOM.retention_ledger - timedelta(minutes=1)):
        journey()
    keep(event("young", Kind.SENT))
    assert retention.drop_expired() == 3
    assert (MessageRow.objects.count(), EventRow.objects.count()) == (1, 1)


# ---- Pages -----------------------------------------------------------------------------------------------------
def page(client: Client, path: str, status: int = 200, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_list_shows_states_counts_and_marks(ana: Client) -> None:
    crowd()
    ears.lost(Way("shop", WayKind.CELERY), "connection refused")
    shown = page(ana, "/messages")
    assert "observed" in shown
    assert "clock ahead" in shown
    assert "connection refused" in shown
    assert "for input-required" in shown
    assert "lost-1" in page(ana, "/messages", state="lost", range="7d")
    assert "data-message-counts" in page(ana, "/messages/counts", q="crowd")
    page(ana, "/messages", 400, state="vanished")
    assert "Nothing that fits" in page(ana, "/messages", q="nothing-like-it")


def test_an_empty_ledger_says_what_to_do(ana: Client) -> None:
    assert "/api/v1/events" in page(ana, "/messages")


def test_one_message_shows_attempts_history_and_what_is_beside(ana: Client) -> None:
    journey()
    shown = page(ana, "/messages/one/pay-1", of="production")
    for words in ("no answer from the bank", "of redrive 1", "inv-1", "mail-1", "Redriven", "was handled by"):
        assert words in shown
    page(ana, "/messages/one/not-there", 404)


def test_the_box_finds_a_message_and_says_where_it_is(ana: Client) -> None:
    journey()
    answer = ana.get("/where", {"id": "mail-1"})
    assert answer.status_code == 200
    assert "/messages/one/mail-1?of=production" in answer.content.decode()


def test_an_open_page_sees_what_was_heard_of_last() -> None:
    journey()
    rows = {row.data["message_id"]: row.data for row in Messages().load().rows.values()}
    assert (rows["mail-1"]["holder"], rows["pay-1"]["attempt"]) == ("mail", "1 after 1 redrive")
