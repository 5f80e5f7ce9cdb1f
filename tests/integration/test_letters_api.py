"""Letters over HTTP: handed over once, found by filter and page, payloads only for who may read them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from agents.deadletters.api import keep
from agents.deadletters.models import Letter, MaskRule, StoredContents
from agents.deadletters.services import masks
from core.access.api import Grant, Kind, Permission, Scope, Subject
from core.access.audit.models import Entry
from core.access.services import Actor
from tests.support.api_client import Program
from tests.support.letters import arrival, letter

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PATH = "/api/v1/dead-letters"
PRODUCTION = Scope(environment="production")
MANAGES = Grant("admin", frozenset({Permission.MANAGE_LETTERS}))
MANAGER = Actor(Subject(Kind.PERSON, "1", "ana", (MANAGES,)), "127.0.0.1")


@pytest.fixture
def agent() -> Program:
    return Program("agent", PRODUCTION)


@pytest.fixture
def operator() -> Program:
    return Program("operator", PRODUCTION)


def test_handed_over__committed_once(agent: Program) -> None:
    given = letter()
    first, again = agent.post(PATH, given), agent.post(PATH, given)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == {"id": str(Letter.objects.get().pk), "state": "held"}


def test_environment_left_out__the_tokens_own(agent: Program) -> None:
    agent.post(PATH, letter(environment=""))
    assert Letter.objects.get().environment == "production"


def test_another_environment__refused(agent: Program) -> None:
    answer = agent.post(PATH, letter(environment="staging"))
    assert (answer.status_code, answer.json()["permission"]) == (403, "write_letters")
    assert not Letter.objects.exists()


def test_death_known_in_another_environment__told_nothing_of_it(agent: Program) -> None:
    given = letter(environment="staging")
    Program("agent", Scope(environment="staging"), "other").post(PATH, given)
    answer = agent.post(PATH, given | {"environment": "production"})
    assert (answer.status_code, "id" in answer.json()) == (409, False)


def test_without_the_right__refused(operator: Program) -> None:
    assert operator.post(PATH, letter()).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [({"body": "?"}, "body"), ({"failure": None}, "failure"), ({"failure": {}}, "failure.reason")],
)
def test_wrong_letter__refused_with_the_field(agent: Program, change: dict[str, Any], field: str) -> None:
    answer = agent.post(PATH, letter() | change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_one_letter__in_the_contracts_shape(operator: Program) -> None:
    (kept,) = keep([arrival()])
    found = operator.get(f"{PATH}/{kept.letter_id}").json()
    assert found["failure"] == {
        "class": "permanent",
        "reason": "exception",
        "type": "ValueError",
        "message": "amount is negative",
    }
    group = str(Letter.objects.get().group_id)
    assert (found["state"], found["deaths"], found["group"], found["masked"]) == ("held", 1, group, False)
    assert found["headers"] == {"postroom-sender": "classify"}
    assert found["attempts"][0]["host"] == "node-3"
    assert [each["reason"] for each in found["changes"]] == ["captured"]
    assert found["last_died_at"] == "2026-11-26T14:03:12.123Z"


def test_body__byte_for_byte(operator: Program) -> None:
    one, two = keep([arrival(body=b"caf\xc3\xa9"), arrival(body=b"\0\xff")])
    text, binary = (operator.get(f"{PATH}/{each.letter_id}/body") for each in (one, two))
    assert (text.json()["text"], text["Cache-Control"]) == ("café", "no-store")
    assert (binary.json()["text"], base64.b64decode(binary.json()["base64"])) == (None, b"\0\xff")


def test_body_of_an_erased_letter__gone(operator: Program) -> None:
    (kept,) = keep([arrival()])
    StoredContents.objects.all().delete()
    assert operator.get(f"{PATH}/{kept.letter_id}/body").status_code == 410
    assert operator.get(f"{PATH}/{kept.letter_id}").json()["attempts"] == []


def test_without_the_right_to_payloads__masked() -> None:
    given = b'{"order": 7, "mail": "ana@acme.com", "password": "x"}'
    text, binary = keep(
        [arrival(body=given, headers={"cookie": "c", "tenant": "acme"}), arrival(body=b"\xff")]
    )
    viewer = Program("viewer", PRODUCTION)
    found = viewer.get(f"{PATH}/{text.letter_id}").json()
    assert (found["masked"], found["headers"]) == (True, {"cookie": "•••", "tenant": "acme"})
    body = viewer.get(f"{PATH}/{text.letter_id}/body").json()
    assert (body["masked"], json.loads(body["text"])) == (
        True,
        {"order": 7, "mail": "•••@•••", "password": "•••"},
    )
    assert b"ana" not in base64.b64decode(body["base64"])
    answer = viewer.get(f"{PATH}/{binary.letter_id}/body")
    assert (answer.status_code, answer.json()["permission"]) == (403, "read_payloads")


def test_own_rule__hides_what_it_names() -> None:
    (kept,) = keep([arrival(body=b'{"order": {"iban": "X", "n": 1}}')])
    masks.save(MaskRule(name="iban", kind="path", what="*.iban"), MANAGER)
    body = Program("viewer", PRODUCTION).get(f"{PATH}/{kept.letter_id}/body").json()
    assert json.loads(body["text"]) == {"order": {"iban": "•••", "n": 1}}
    assert Entry.objects.filter(action="mask_rule.changed").count() == 1


def test_rules_of_masking__managed_by_programs() -> None:
    admin, path = Program("admin", Scope()), "/api/v1/mask-rules"
    iban = {"name": "iban", "kind": "path", "what": "*.iban"}
    made = admin.post(path, iban)
    assert (made.status_code, made.json()["enabled"]) == (201, True)
    one = made["Location"]
    assert admin.patch(one, {"enabled": False}).json()["enabled"] is False
    assert [each["name"] for each in admin.get(path).json()["results"]] == ["iban"]
    for change, field in (({"name": "b", "kind": "pattern", "what": "(a+)+b"}, "what"), ({}, "name")):
        assert admin.post(path, iban | change).json()["errors"][0]["field"] == field
    assert Program("admin", PRODUCTION, name="narrow").get(path).status_code == 403
    assert admin.delete(one).status_code == 204
    assert admin.get(one).status_code == 404


def test_rule_that_may_run_away__refused() -> None:
    with pytest.raises(masks.MaskRefusedError):
        masks.save(MaskRule(name="slow", kind="pattern", what="(a+)+b"), MANAGER)
    assert not MaskRule.objects.exists()


def test_out_of_scope__as_if_it_were_not_there() -> None:
    (kept,) = keep([arrival()])
    other = Program("operator", Scope(environment="staging"))
    assert other.get(PATH).json()["results"] == []
    assert {other.get(f"{PATH}/{kept.letter_id}{tail}").status_code for tail in ("", "/body")} == {404}


@pytest.mark.parametrize(
    ("query", "agents"),
    [
        ({"state": "held"}, "abc"),
        ({"state": "purged"}, ""),
        ({"queue": "q2"}, "b"),
        ({"agent": "c"}, "c"),
        ({"error": "timeout"}, "b"),
        ({"q": "NEGATIVE"}, "ac"),
        ({"q": "m-c"}, "c"),
        ({"since": "2026-11-26T14:00:02Z"}, "bc"),
        ({"until": "2026-11-26T14:00:02Z"}, "a"),
        ({"environment": "staging"}, ""),
        ({"broker": "main"}, "abc"),
    ],
)
def test_filters(operator: Program, query: dict[str, str], agents: str) -> None:
    keep(
        [
            arrival(agent="a", died_at="2026-11-26T14:00:01Z"),
            arrival(
                agent="b",
                died_at="2026-11-26T14:00:02Z",
                queue="q2",
                failure={"reason": "exception", "type": "TimeoutError"},
            ),
            arrival(agent="c", died_at="2026-11-26T14:00:03Z", message_id="m-c"),
        ]
    )
    found = [each["agent"] for each in operator.get(PATH, **query).json()["results"]]
    assert found == sorted(agents, reverse=True)


def test_pages__every_letter_once_though_new_ones_come(operator: Program) -> None:
    keep([arrival() for _ in range(5)])
    first = operator.get(PATH, limit=2).json()
    keep([arrival(died_at="2026-11-27T00:00:00Z")])
    second = operator.get(PATH, limit=2, cursor=first["next"]).json()
    third = operator.get(PATH, limit=2, cursor=second["next"]).json()
    seen = [each["id"] for answer in (first, second, third) for each in answer["results"]]
    assert (len(seen), len(set(seen)), third["next"]) == (5, 5, None)


def test_unknown_filter__refused_with_those_allowed(operator: Program) -> None:
    answer = operator.get(PATH, colour="red")
    assert (answer.status_code, "queue" in answer.json()["detail"]) == (400, True)
