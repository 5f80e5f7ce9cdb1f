"""What every path of the API has in common: refusals that help, pages that miss nothing, requests done once."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from core import clock, retention
from core.access.audit import selectors
from core.access.audit.models import Entry
from dashboard.api import paging
from dashboard.api.models import RepeatableRequest
from tests.support.api_client import Program
from tests.support.trail import write

AUDIT = "/api/v1/audit"
REPORT = {"action": "orders.refunded", "on": {"kind": "order", "id": "4711"}, "why": "asked for"}

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def reader() -> Program:
    return Program("security")


@pytest.fixture
def agent() -> Program:
    return Program("agent")


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), (
        answer.content
    )
    body: dict[str, Any] = json.loads(answer.content)
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    return body


# ---- Refusals --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing", "/api/v1/audit/", "/v1/nothing"])
def test_unknown_path__problem_that_says_where_to_look(reader: Program, path: str) -> None:
    assert problem(reader.get(path), 404)["remedy"] == "Every path is in /api/docs/."


def test_wrong_method__problem_that_names_the_right_ones(reader: Program) -> None:
    admin = Program("admin")
    answer = admin.put(AUDIT, {})
    assert "GET, POST" in problem(answer, 405)["remedy"]
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize(
    ("query", "field", "word"),
    [
        ({"limit": "0"}, "limit", "1 to 500"),
        ({"limit": "501"}, "limit", "1 to 500"),
        ({"limit": "ten"}, "limit", "1 to 500"),
        ({"limit": "٣"}, "limit", "1 to 500"),
        ({"cursor": "made-up"}, "cursor", "no cursor of ours"),
        ({"since": "yesterday"}, "since", "2026-11-20T14:03:00Z"),
        ({"whoo": "ana"}, "whoo", "Allowed are"),
    ],
)
def test_bad_query__field_and_remedy(reader: Program, query: dict[str, str], field: str, word: str) -> None:
    body = problem(reader.get(AUDIT, **query), 400)
    assert [error["field"] for error in body["errors"]] == [field]
    assert word in body["errors"][0]["detail"]
    assert body["remedy"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"action", "on"}),
        ({**REPORT, "on": {"kind": "order"}}, {"on.id"}),
        ({**REPORT, "action": "no spaces"}, {"action"}),
        ({**REPORT, "details": {"x": "y" * 20_000}}, {"details"}),
        ({**REPORT, "details": []}, {"details"}),
        ([], {""}),
    ],
)
def test_bad_body__every_field_named(agent: Program, body: Any, fields: set[str]) -> None:
    found = problem(agent.post(AUDIT, body), 400)
    assert {error["field"] for error in found["errors"]} == fields


@pytest.mark.parametrize("raw", ["{", b"\xff\xfe", '{"action": NaN}', ""])
def test_body_that_is_no_json__problem(agent: Program, raw: Any) -> None:
    problem(agent.post(AUDIT, raw), 400)


def test_body_of_another_type__problem(agent: Program) -> None:
    answer = agent._client.post(AUDIT, "a=b", content_type="application/x-www-form-urlencoded")
    assert "application/json" in problem(answer, 415)["remedy"]


def test_stranger__401_with_the_way_to_prove() -> None:
    answer = Client().get(AUDIT)
    problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_permission_missing__named(agent: Program) -> None:
    assert problem(agent.get(AUDIT), 403)["permission"] == "read_audit"


def test_our_own_mistake__500_as_a_problem(reader: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "entries", lambda wanted: 1 / 0)
    assert "traceback" in problem(reader.get(AUDIT), 500)["remedy"]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, psycopg.OperationalError])
def test_database_gone__503_and_when_to_try_again(
    error: type[Exception], reader: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(wanted: Any) -> Any:
        raise error("server closed the connection")

    monkeypatch.setattr(selectors, "entries", gone)
    answer = reader.get(AUDIT)
    problem(answer, 503)
    assert int(answer["Retry-After"]) > 0


# ---- Pages -----------------------------------------------------------------------------------------------------
def test_pages_show_every_row_once_while_others_write(reader: Program) -> None:
    write(25)
    wanted = set(Entry.objects.values_list("sequence", flat=True))
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = reader.get(AUDIT, limit=7, cursor=cursor).json()
        seen += [entry["sequence"] for entry in page["results"]]
        cursor = page["next"]
        write(1)
    assert seen == sorted(wanted, reverse=True)


def test_link_header_leads_to_the_next_page(reader: Program) -> None:
    write(3)
    first = reader.get(AUDIT, limit=2, who="ana")
    address = first["Link"].partition("<")[2].partition(">")[0]
    assert len(reader.get(address).json()["results"]) == 1


def test_last_page__next_is_null(reader: Program) -> None:
    count = Entry.objects.count()
    assert reader.get(AUDIT, limit=count).json()["next"] is None
    assert reader.get(AUDIT, limit=count - 1).json()["next"]


def test_cursor_of_other_filters__refused(reader: Program) -> None:
    write(3)
    cursor = reader.get(AUDIT, limit=1, who="ana").json()["next"]
    body = problem(reader.get(AUDIT, limit=1, who="ben", cursor=cursor), 400)
    assert "other filters" in body["detail"]


def test_rows_with_equal_keys__none_left_out() -> None:
    with clock.held(clock.now()):
        write(5)
    first = Entry.objects.order_by("at", "-sequence").first()
    assert first
    rest = Entry.objects.filter(paging.beyond(("at", "-sequence"), (first.at, first.sequence)))
    assert rest.count() == 4


# ---- Done once -------------------------------------------------------------------------------------------------
KEY = "Idempotency-Key"


def reported() -> int:
    return Entry.objects.filter(action="agent.reported").count()


def test_repeated_with_its_key__done_once_and_answered_alike(agent: Program) -> None:
    headers = {KEY: str(uuid.uuid4())}
    first, second = (agent.post(AUDIT, REPORT, **headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert reported() == 1


def test_repeated_without_a_key__done_twice(agent: Program) -> None:
    for _ in range(2):
        assert agent.post(AUDIT, REPORT).status_code == 201
    assert reported() == 2


def test_same_key_with_another_body__422(agent: Program) -> None:
    agent.post(AUDIT, REPORT, **{KEY: "k1"})
    body = problem(agent.post(AUDIT, {**REPORT, "why": "changed"}, **{KEY: "k1"}), 422)
    assert body["type"] == "urn:postroom:problem:idempotency-mismatch"
    assert reported() == 1


def test_same_key_of_another_subject__its_own(agent: Program) -> None:
    other = Program("agent", name="another-agent")
    for program in (agent, other):
        assert program.post(AUDIT, REPORT, **{KEY: "k1"}).status_code == 201
    assert reported() == 2


def test_refused_request__key_is_free_again(agent: Program) -> None:
    problem(agent.post(AUDIT, {**REPORT, "action": "no spaces"}, **{KEY: "k1"}), 400)
    assert agent.post(AUDIT, REPORT, **{KEY: "k1"}).status_code == 201
    assert reported() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "with space"])
def test_key_that_is_none__refused(agent: Program, key: str) -> None:
    body = problem(agent.post(AUDIT, REPORT, **{KEY: key}), 400)
    assert body["errors"][0]["field"] == KEY


def _as_if_running(since: timedelta) -> None:
    """The row as a process leaves it that claimed it and has not answered."""
    done = RepeatableRequest.objects.get()
    done.claim, done.claimed_until, done.status, done.body = uuid.uuid4(), clock.now() + since, None, ""
    done.save()
    assert RepeatableRequest.objects.count() == 1


def test_first_is_still_running__409(agent: Program) -> None:
    agent.post(AUDIT, REPORT, **{KEY: "k1"})
    _as_if_running(timedelta(seconds=30))
    answer = agent.post(AUDIT, REPORT, **{KEY: "k1"})
    problem(answer, 409)
    assert answer["Retry-After"] == "1"
    assert reported() == 1


def test_first_died_in_the_middle__done_by_the_repeat(agent: Program) -> None:
    agent.post(AUDIT, REPORT, **{KEY: "k1"})
    _as_if_running(timedelta(seconds=-1))
    assert agent.post(AUDIT, REPORT, **{KEY: "k1"}).status_code == 201
    assert agent.post(AUDIT, REPORT, **{KEY: "k1"})["Idempotency-Replayed"] == "true"
    assert reported() == 2


def test_claim_lost_meanwhile__undone(agent: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was taken for dead wakes up: what it did is rolled back."""
    as_data = selectors.as_data

    def robbed(entry: Entry) -> dict[str, Any]:
        RepeatableRequest.objects.update(claim=uuid.uuid4())
        return as_data(entry)

    monkeypatch.setattr(selectors, "as_data", robbed)
    problem(agent.post(AUDIT, REPORT, **{KEY: "k1"}), 409)
    assert reported() == 0


def test_expired_key__free_for_another_request(agent: Program) -> None:
    agent.post(AUDIT, REPORT, **{KEY: "k1"})
    with clock.held(clock.now() + timedelta(hours=25)):
        answer = agent.post(AUDIT, {**REPORT, "why": "another day"}, **{KEY: "k1"})
    assert answer.status_code == 201
    assert reported() == 2


def test_retention_removes_expired_keys(agent: Program) -> None:
    agent.post(AUDIT, REPORT, **{KEY: "k1"})
    with clock.held(clock.now() + timedelta(hours=25)):
        assert retention.Outcome("repeated requests", 1) in list(retention.run())
    assert not RepeatableRequest.objects.exists()
