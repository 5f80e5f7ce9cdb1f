"""The Audit page, its twin in the API, and the verification behind both."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from core import clock
from core.access import services
from core.access.api import Place, Scope
from core.access.audit import tasks
from core.access.audit.api import Target
from core.access.audit.models import Entry, Verification
from core.access.audit.verify import period_s, verify_and_remember
from core.access.models import Role
from core.data_dir import DataDir
from dashboard.pages import audit
from tests.support.api_client import Program
from tests.support.trail import ANA, intrude, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, settings: Any) -> None:
    settings.DATA = DataDir(tmp_path)


@pytest.fixture
def cara() -> Client:
    """A person who keeps the trail, signed in."""
    actor = services.of_command("test")
    person = services.create_person("cara", "a long enough phrase", actor)
    services.give(person, Role.objects.get(name="security"), Scope(), actor)
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def text(client: Client, path: str, **query: Any) -> str:
    answer = client.get(path, query_params=query)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


# ---- The list --------------------------------------------------------------------------------------------------
def test_list_shows_who_what_on_what_and_why(cara: Client) -> None:
    write(1)
    page = text(cara, "/audit")
    for word in ("ana", "agent.reported", "operator", "gateway repaired", "192.0.2.7", "production"):
        assert word in page


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"who": "ben"}, 1),
        ({"who": "nobody-of-that-name"}, 0),
        ({"on": "4711"}, 1),
        ({"action": "agent."}, 3),
        ({"action": "agent"}, 0),
        ({"q": "GATEWAY"}, 2),
        ({"environment": "staging"}, 1),
        ({"since": "2000-01-01", "until": "2000-01-02"}, 0),
    ],
)
def test_filters__page_and_api_find_the_same(cara: Client, query: dict[str, str], fits: int) -> None:
    write(2)
    write(1, by=replace(ANA, name="ben", id="8"), why="", on=Target("order", "4711", place=Place("staging")))
    asked: dict[str, Any] = {"action": "agent.", **query}
    assert text(cara, "/audit", **asked).count('class="row-link"') == fits
    assert len(Program("security").get("/api/v1/audit", **asked).json()["results"]) == fits


def test_older_entries_are_a_page_further(cara: Client) -> None:
    write(5)
    first = cara.get("/audit", {"limit": "2", "action": "agent.reported"})
    cursor = first.context["page"].next
    second = cara.get("/audit", {"limit": "2", "action": "agent.reported", "cursor": cursor})
    numbers = [entry.sequence for answer in (first, second) for entry in answer.context["page"].rows]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 4


@pytest.mark.parametrize(
    ("query", "words"),
    [({"since": "yesterday"}, "is not a time; write it as"), ({"cursor": "made-up"}, "no cursor of ours")],
)
def test_nonsense_in_the_address__said_beside_the_field(
    cara: Client, query: dict[str, str], words: str
) -> None:
    answer = cara.get("/audit", query)
    assert answer.status_code in {200, 400}
    assert words in answer.content.decode()


def test_time_range_of_the_frame_applies(cara: Client) -> None:
    with clock.held(clock.now() - timedelta(hours=3)):
        write(1)
    assert "Nothing that fits" in text(cara, "/audit", who="ana")
    assert "gateway repaired" in text(cara, "/audit", who="ana", range="6h")
    assert "gateway repaired" in text(cara, "/audit", who="ana", since=audit.ANY_TIME)


def test_what_the_entry_says_is_text_and_no_markup(cara: Client) -> None:
    (entry,) = write(1, why="<script>alert(1)</script>", source="<b>")
    for path in ("/audit", f"/audit/{entry.sequence}"):
        assert "<script>alert" not in text(cara, path)


# ---- One entry -------------------------------------------------------------------------------------------------
def test_entry_shows_before_and_after(cara: Client) -> None:
    (entry,) = write(1)
    page = text(cara, f"/audit/{entry.sequence}")
    assert "changed" in page
    assert "added" in page
    assert f"/api/v1/audit/{entry.id}" in page


@pytest.mark.parametrize("number", ["0", "4711", "99999999999999999999999"])
def test_entry_that_is_not_there__404(cara: Client, number: str) -> None:
    assert cara.get(f"/audit/{number}").status_code == 404


def test_differences__what_changed_comes_first() -> None:
    changes = audit.differences({"a": 1, "b": 2, "c": [1]}, {"a": 1, "b": 3, "d": "x"})
    assert [(change.name, str(change.kind)) for change in changes] == [
        ("b", "changed"),
        ("c", "removed"),
        ("d", "added"),
        ("a", "same"),
    ]


# ---- Scope -----------------------------------------------------------------------------------------------------
def test_reader_of_one_environment_sees_only_its_entries() -> None:
    (inside,) = write(1)
    (outside,) = write(1, on=Target("role", "3", place=Place("staging")))
    reader = Program("security", Scope("production"))
    seen = [entry["sequence"] for entry in reader.get("/api/v1/audit", action="agent.").json()["results"]]
    assert seen == [inside.sequence]
    assert reader.get(f"/api/v1/audit/{inside.id}").status_code == 200
    assert reader.get(f"/api/v1/audit/{outside.id}").status_code == 404


def test_agent_writes_within_its_environment_only() -> None:
    agent = Program("agent", Scope("production"))
    body = {"action": "orders.refunded", "on": {"kind": "order", "id": "1", "environment": "production"}}
    assert agent.post("/api/v1/audit", body).status_code == 201
    body["on"]["environment"] = "staging"  # type: ignore[index]
    assert agent.post("/api/v1/audit", body).status_code == 403
    entry = Entry.objects.get(action="agent.reported")
    assert (entry.by_name, json.loads(entry.after or "")["action"]) == ("agent-program", "orders.refunded")


# ---- Does it hold? ---------------------------------------------------------------------------------------------
def test_never_verified__said_so(cara: Client) -> None:
    assert "Not verified yet" in text(cara, "/audit")
    assert Program("security").get("/api/v1/audit/verification").json()["holds"] is None


def test_verified__when_and_how_many(cara: Client) -> None:
    write(3)
    report = verify_and_remember()
    assert f"Chain verified: {report.entries} entries" in text(cara, "/audit")
    assert Program("security").get("/api/v1/audit/verification").json()["holds"] is True


def test_broken__first_entry_named_on_the_page(cara: Client) -> None:
    write(3)
    intrude("UPDATE audit_entry SET why = 'x' WHERE sequence = 2")
    verify_and_remember()
    assert "The trail does not hold: entry 2 was altered" in text(cara, "/audit")


def test_verified_long_ago__unknown_not_ok() -> None:
    now = clock.now()
    last = Verification(at=now - timedelta(minutes=20), took_ms=10, holds=True)
    assert audit.trust(last, now) == "unknown"
    assert audit.trust(Verification(at=now - timedelta(minutes=6), took_ms=10, holds=True), now) == "ok"


def test_task_verifies_when_it_is_due_and_not_before() -> None:
    write(1)
    now = clock.now()
    for minutes, count in ((0, 1), (1, 1), (5, 2), (6, 2)):
        with clock.held(now + timedelta(minutes=minutes)):
            tasks.verify_trail()
        assert Verification.objects.count() == count


def test_long_trail_is_verified_less_often() -> None:
    assert period_s(200) == 300
    assert period_s(60_000) == 6_000


# ---- Export ----------------------------------------------------------------------------------------------------
def test_export__json_lines_oldest_first_and_in_the_trail() -> None:
    write(3)
    write(1, why="another")
    out = StringIO()
    call_command("audit", "export", "--q", "gateway", stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["before"]["n"] for line in lines] == [0, 1, 2]
    word = Entry.objects.latest("sequence")
    assert (word.action, json.loads(word.after or "")) == ("audit.exported", {"entries": 3, "q": "gateway"})
