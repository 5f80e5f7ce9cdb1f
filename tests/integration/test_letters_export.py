"""Letters leave as files: by right, noted, with bodies only as the asker may see them, and harmless to spreadsheets."""

from __future__ import annotations

import csv
import json
from itertools import islice
from typing import Any

import pytest

from agents.deadletters.api import keep
from agents.deadletters.models import StoredContents
from agents.deadletters.selectors import Filter
from core.access import grants
from core.access.api import Scope
from core.access.audit.models import Entry
from core.access.models import Role
from core.access.services import Actor
from dashboard import exporting
from dashboard.exporting import Wanted
from tests.support.accounts import person
from tests.support.api_client import Program
from tests.support.letters import arrival

pytestmark = pytest.mark.django_db
PATH = "/api/v1/dead-letters/export"
PRODUCTION = Scope(environment="production")


def lines(who: Program, **asked: Any) -> list[dict[str, Any]]:
    answer = who.post(PATH, asked)
    assert answer.status_code == 200, answer.getvalue()
    return [json.loads(line) for line in answer.getvalue().decode().splitlines()]


def noted(action: str) -> list[dict[str, Any]]:
    rows = Entry.objects.filter(action=action).order_by("sequence")
    return [json.loads(each.after or "") for each in rows]


@pytest.fixture
def blind() -> Program:
    """May export, and not read payloads."""
    Role.objects.create(name="exporter", permissions=["see", "export"])
    return Program("exporter", PRODUCTION)


def test_what_matches_and_no_more__noted_with_its_number() -> None:
    keep([arrival(queue="a"), arrival(queue="a"), arrival(queue="b"), arrival(environment="other")])
    admin = Program("admin", PRODUCTION)
    assert [each["queue"] for each in lines(admin, queue="a", contents=True)] == ["a", "a"]
    assert len(lines(admin)) == 3
    asked = {"filter": {"queue": "a"}, "format": "jsonl", "contents": True}
    begun, ended = (noted(f"letters.{each}")[0] for each in ("exported", "export_ended"))
    assert begun == asked
    assert ended == asked | {"number": 2, "whole": True}


def test_more_than_a_portion__each_once_and_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PORTION", 2)
    # All of one moment: only their ids tell them apart.
    kept = keep([arrival() for _ in range(7)])
    ids = sorted((str(each.letter_id) for each in kept), reverse=True)
    admin = Program("admin", PRODUCTION)
    assert [each["id"] for each in lines(admin)] == ids
    assert len(admin.post(PATH, {"format": "csv"}).getvalue().splitlines()) == 8
    monkeypatch.setattr(exporting, "MOST", 5)
    assert [each["id"] for each in lines(admin)] == ids[:5]


def test_client_goes_away__how_many_left_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PORTION", 2)
    monkeypatch.setattr(exporting, "CHUNK", 1)
    keep([arrival() for _ in range(5)])
    ana = Actor(grants.subject_of(person("ana", "admin")))
    parts = exporting.Export(Wanted(Filter()), ana, {}).parts()
    assert len([*islice(parts, 3)]) == 3
    parts.close()
    (ended,) = noted("letters.export_ended")
    assert (ended["number"], ended["whole"]) == (3, False)


def test_contents__whole_with_the_right_and_masked_without(blind: Program) -> None:
    body = b'{"mail": "ana@acme.com", "n": 1}'
    failure = {"reason": "exception", "type": "MailError", "message": "no answer from ana@acme.com"}
    keep([arrival(body=body, headers={"cookie": "c"}, failure=failure)])
    (whole,) = lines(Program("admin", PRODUCTION), contents=True)
    assert (whole["masked"], json.loads(whole["body"])["mail"]) == (False, "ana@acme.com")
    (masked,) = lines(blind, contents=True)
    assert (masked["masked"], json.loads(masked["body"])) == (True, {"mail": "•••@•••", "n": 1})
    assert "ana@acme.com" not in json.dumps(masked)
    assert "ana@acme.com" not in json.dumps(lines(blind))


def test_contents_that_are_no_text_or_erased__null(blind: Program) -> None:
    keep([arrival(body=b"\xff")])
    (masked,) = lines(blind, contents=True)
    assert (masked["body"], masked["body_base64"], masked["headers"]) == (None, None, None)
    assert lines(Program("admin", PRODUCTION), contents=True)[0]["body_base64"] == "/w=="
    StoredContents.objects.all().delete()
    assert lines(Program("admin", PRODUCTION, name="later"), contents=True)[0]["body_base64"] is None


@pytest.mark.parametrize("sender", ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", "\uff1d1", "\r=1"])
def test_csv__nothing_is_a_formula(sender: str) -> None:
    keep([arrival(sender=sender)])
    answer = Program("admin", PRODUCTION).post(PATH, {"format": "csv"})
    (row,) = csv.DictReader(answer.getvalue().decode().splitlines(keepends=True))
    assert row["sender"].startswith("'")


def test_refused__without_the_right_or_what_a_table_cannot_hold() -> None:
    assert Program("viewer", PRODUCTION).post(PATH, {}).json()["permission"] == "export"
    answer = Program("admin", PRODUCTION).post(PATH, {"format": "csv", "contents": True})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "contents")
