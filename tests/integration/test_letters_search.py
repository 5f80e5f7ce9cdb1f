"""Finding letters: fields, words, headers and bodies, for those who may read them; gone when the contents are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from agents.deadletters import searching
from agents.deadletters.api import keep
from agents.deadletters.models import LetterText, StoredContents
from core.access.api import Scope
from tests.support.api_client import Program
from tests.support.letters import arrival

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PATH = "/api/v1/dead-letters"
PRODUCTION = Scope(environment="production")
BODY = json.dumps({"order": {"id": 4711, "lines": [{"sku": "A-1"}]}, "note": "Grüße aus Zürich"}).encode()


def found(who: Program, q: str) -> list[str]:
    answer = who.get(PATH, q=q)
    assert answer.status_code == 200, answer.json()
    return [each["agent"] for each in answer.json()["results"]]


@pytest.fixture
def letters() -> None:
    keep(
        [
            arrival(agent="a", body=BODY, headers={"Tenant": "acme"}, died_at="2026-11-26T14:00:01Z"),
            arrival(
                agent="b",
                queue="pay-eu",
                body=b"plain words only",
                failure={
                    "reason": "exception",
                    "type": "CardError",
                    "message": "card was declined by the bank",
                },
                died_at="2026-11-26T14:00:02Z",
            ),
        ]
    )


@pytest.mark.parametrize(
    ("q", "agents"),
    [
        ("agent:a", "a"),
        ("-agent:a", "b"),
        ("queue:pay*", "b"),
        ("error:CardError deaths:>=1", "b"),
        ("deaths:>1", ""),
        ("declin", "b"),
        ('"card was"', "b"),
        ('"was card"', ""),
        ("bank CARD", "b"),
        ("zürich", "a"),
        ("body.order.id=4711", "a"),
        ("body.order.lines[].sku=A-1", "a"),
        ("header.tenant=acme", "a"),
        ("header.tenant=other", ""),
        ("body.order.id=4711 agent:b", ""),
        ("until:2026-11-26T14:00:02Z", "a"),
    ],
)
@pytest.mark.parametrize("many", [5_000, 0])
def test_search(letters: None, q: str, agents: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MANY", many)
    assert found(Program("operator", PRODUCTION), q) == list(agents)


@pytest.mark.parametrize(
    "q", ["colour:red", "-text", "body.order.id>1", "order.id=1", "deaths:many", '"open']
)
def test_search_that_cannot_be_read__refused_with_the_place(letters: None, q: str) -> None:
    answer = Program("operator", PRODUCTION).get(PATH, q=q)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "q")


def test_without_the_right_to_payloads__bodies_and_headers_are_not_searched(letters: None) -> None:
    viewer = Program("viewer", PRODUCTION)
    assert (found(viewer, "zürich"), found(viewer, "header.tenant=acme"), found(viewer, "declined")) == (
        [],
        [],
        ["b"],
    )


def test_sealed_contents__not_written_down_in_words(settings: Settings) -> None:
    keys = ("a key of thirty-two characters or more",)
    settings.POSTROOM = replace(settings.POSTROOM, encryption_keys=keys)
    keep([arrival(body=BODY)])
    assert LetterText.objects.get().carried == ""
    assert found(Program("operator", PRODUCTION), "negative") == ["extract"]


def test_contents_deleted__not_found_any_more(letters: None) -> None:
    operator = Program("operator", PRODUCTION)
    StoredContents.objects.all().delete()
    assert (found(operator, "zürich"), found(operator, "body.order.id=4711")) == ([], [])
    assert found(operator, "declined") == ["b"]
