"""The pages of letters: what waits first, payloads only with the right, trouble said, nothing at all said calmly."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from django.test import Client

from agents.alerts.models import Alert
from agents.deadletters import trouble
from agents.deadletters.api import keep
from agents.deadletters.models import Letter, StoredContents
from agents.deadletters.trouble import Alarm, What
from agents.ledger.api import Kind
from core import clock
from core.access.api import Scope
from core.access.audit.models import Entry
from core.live_redis import client as live
from dashboard.live.letters import held
from dashboard.pages import reveal
from dashboard.pages.letter import body
from tests.support.accounts import person, signed_in
from tests.support.api_client import Program
from tests.support.ledger_stories import by, event
from tests.support.ledger_stories import keep as tell
from tests.support.letters import arrival

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "operator"))


def page(client: Client, path: str = "/letters") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_list__why_first_and_only_what_waits(ana: Client) -> None:
    keep([arrival(), arrival(failure={"reason": "deadline", "type": "TooLate", "message": "an hour over"})])
    Letter.objects.filter(failure_type="TooLate").update(state="processed")
    listed = "/letters?view=letters"
    assert "amount is negative" in page(ana, listed)
    assert "TooLate" not in page(ana, listed)
    assert "TooLate" in page(ana, "/letters?state=any")
    assert "Nothing that fits" in page(ana, "/letters?error=Nope")


def test_list__none_yet_says_where_they_come_from(ana: Client) -> None:
    assert "postroom.letters" in page(ana)
    keep([arrival()])
    Letter.objects.update(state="processed")
    assert "No letters held" in page(ana)


def test_newer__counted_behind_a_link(ana: Client) -> None:
    (first,) = keep([arrival()])
    keep([arrival(), arrival(), arrival(queue="other")])
    said = page(ana, f"/letters/newer?after={first.letter_id}&queue=extract")
    assert "2 new, show" in said
    assert "new, show" not in page(ana, "/letters/newer?after=nonsense")


def test_letter__whole_for_who_may_read_payloads(ana: Client) -> None:
    (kept,) = keep([arrival(headers={"x-customer": "4711 <b>"}, body=b'{"order": "\xc3\xbc"}')])
    said = page(ana, f"/letters/{kept.letter_id}")
    for wanted in (
        "Traceback (most recent call last)",
        "4711 &lt;b&gt;",
        "ü",
        "node-3",
        "nobody told of its way",
        "/traces/",
    ):
        assert wanted in said, wanted


SECRET: dict[str, Any] = {
    "headers": {"x-customer": "4711", "cookie": "c-4711"},
    "body": b'{"order": 12, "mail": "ana@acme.com"}',
    "failure": {"reason": "exception", "type": "MailError", "message": "no answer from ana@acme.com"},
    "attempts": [{"number": 1, "message": "token=abcdef99", "traceback": "MailError: ana@acme.com"}],
}
HIDDEN = ("c-4711", "ana@acme.com", "abcdef99")


def test_letter__masked_for_who_may_not() -> None:
    (kept,) = keep([arrival(**SECRET)])
    eva = signed_in(person("eva", "viewer"))
    said = page(eva, f"/letters/{kept.letter_id}")
    for hidden in HIDDEN:
        assert hidden not in said, hidden
    assert "x-customer" in said
    assert "right to read payloads" in said
    assert "ana@acme.com" not in page(eva, "/letters?view=letters")
    assert eva.post(f"/letters/{kept.letter_id}/reveal").status_code == 403


def test_letter__unmasked_when_asked_for_and_noted(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept, other) = keep([arrival(**SECRET), arrival(**SECRET)])
    path = f"/letters/{kept.letter_id}"
    assert "Show unmasked" in page(ana, path)
    for hidden in HIDDEN:
        assert hidden not in page(ana, path), hidden
    assert ana.post(f"{path}/reveal")["Location"] == path
    for hidden in HIDDEN:
        assert hidden in page(ana, path), hidden
    assert "ana@acme.com" not in page(ana, f"/letters/{other.letter_id}")
    noted = Entry.objects.get(action="letter.revealed")
    assert (noted.by_name, noted.on_id) == ("ana", str(kept.letter_id))
    monkeypatch.setattr(reveal, "SECONDS", -1)
    ana.post(f"{path}/reveal")
    assert "ana@acme.com" not in page(ana, path)


def test_letter__no_text_is_shown_only_when_asked_for(ana: Client) -> None:
    (kept,) = keep([arrival(body=b"\xff\xfe")])
    assert "no text, so nobody can tell" in page(ana, f"/letters/{kept.letter_id}")
    ana.post(f"/letters/{kept.letter_id}/reveal")
    assert "ff fe" in page(ana, f"/letters/{kept.letter_id}")


def test_letter__out_of_scope_not_there() -> None:
    (kept,) = keep([arrival()])
    other = signed_in(person("eva", "operator", scope=Scope(environment="staging")))
    assert other.get(f"/letters/{kept.letter_id}").status_code == 404
    assert "amount is negative" not in page(other)


def test_letter__erased_says_so(ana: Client) -> None:
    (kept,) = keep([arrival()])
    StoredContents.objects.all().delete()
    assert "erased" in page(ana, f"/letters/{kept.letter_id}")


def test_search_box__finds_a_letter_by_its_messages_id(ana: Client) -> None:
    (kept,) = keep([arrival(message_id="inv-4711")])
    assert f"/letters/{kept.letter_id}" in page(ana, "/where?id=inv-4711")


def test_rail__counts_what_is_held_place_by_place() -> None:
    keep([arrival(), arrival(), arrival(queue="other")])
    Letter.objects.filter(queue="other").update(state="processed")
    assert [(each.place.queue, each.number) for each in held()] == [("extract", 2)]


def test_bodies__as_json_text_or_hex() -> None:
    assert body(b'{"a":1}').text == json.dumps({"a": 1}, indent=2)
    assert (body(b"hello").kind, body(b"\0\1").text) == ("text", "00 01")
    assert body(b"x" * 100_000).cut


@pytest.mark.parametrize("what", list(What))
def test_capture_that_waits__said_since_when_and_gone_afterwards(
    ana: Client, redis_url: str, settings: object, what: What
) -> None:
    settings.REDIS_URL = redis_url  # type: ignore[attr-defined]
    alarm = Alarm("main")
    alarm.raise_(what, "disk is full")
    alarm.raise_(what, "disk is full")
    (found,) = trouble.troubles()
    assert found.since <= found.at
    for path in ("/", "/letters"):
        assert "disk is full" in page(ana, path)
    alarm.clear()
    assert "disk is full" not in page(ana)
    live().close()


def test_alert__on_the_overview_until_somebody_has_it(ana: Client) -> None:
    raised = {"agent": "extract", "severity": "critical", "title": "Unknown error", "error": "KeyError"}
    Program("agent", Scope(environment="production")).post("/api/v1/alerts/raise", raised)
    assert "extract: Unknown error" in page(ana, "/")
    at = f"/alerts/{Alert.objects.get().pk}"
    assert ana.post(f"{at}/acknowledge").status_code == 302
    assert ana.post(f"{at}/acknowledge").status_code == 302
    assert "extract: Unknown error" not in page(ana, "/")
    ana.post(f"{at}/clear")
    assert Alert.objects.get().state == "cleared"
    assert signed_in(person("eva", "viewer")).post(f"{at}/clear").status_code == 403
    assert clock.now() >= Alert.objects.get().since


def test_export__what_matches_as_json_lines_or_csv_and_noted(ana: Client) -> None:
    keep([arrival(queue="a"), arrival(queue="a", sender="=1+1"), arrival(queue="b")])
    root = signed_in(person("root", "admin"))
    lines = root.post("/letters/export?queue=a", {"format": "jsonl"}).getvalue().decode().splitlines()
    assert {json.loads(line)["queue"] for line in lines} == {"a"}
    answer = root.post("/letters/export?queue=a", {"format": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.getvalue().decode().splitlines()))
    assert {row["failure_type"] for row in rows} == {"ValueError"}
    assert {row["sender"] for row in rows} == {"classify", "'=1+1"}
    asked = {"filter": {"queue": "a", "state": "held"}, "format": "csv"}
    first, begun = Entry.objects.filter(action="letters.exported").order_by("sequence")
    _, ended = Entry.objects.filter(action="letters.export_ended").order_by("sequence")
    assert json.loads(begun.after or "") == asked
    assert json.loads(ended.after or "") == asked | {"number": 2, "whole": True}
    assert json.loads(first.after or "")["format"] == "jsonl"
    whole = root.post("/letters/export?queue=b", {"format": "jsonl", "contents": "1"}).getvalue()
    assert json.loads(whole)["body"] == '{"order": 7}'


def test_export__not_without_the_right() -> None:
    eva = signed_in(person("eva", "viewer"))
    keep([arrival()])
    assert eva.post("/letters/export").status_code == 403
    assert "right to export" in page(eva, "/letters?view=letters")


def test_nearest_success__the_last_of_its_queue_before_it_died(ana: Client) -> None:
    queued = by("extract", queue="extract", version="1.9.0")
    tell(
        event("good-1", Kind.SUCCEEDED, 1, **queued),
        event("other-1", Kind.SUCCEEDED, 1, **by("mail", queue="mail")),
    )
    (kept,) = keep([arrival(died_at=clock.rfc3339(clock.now()))])
    said = page(ana, f"/letters/{kept.letter_id}")
    assert "/messages/one/good-1" in said
    assert "other-1" not in said
    assert "1.9.0" in said
