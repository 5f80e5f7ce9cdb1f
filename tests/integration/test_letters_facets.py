"""What letters are made of: counts that narrow the list, bounded in what they may cost."""

from __future__ import annotations

import html
import re

import pytest
from django.db import OperationalError, connection

from agents.deadletters import bounded, facets
from agents.deadletters.api import keep
from agents.deadletters.models import Letter
from core.access.api import Scope
from tests.support.accounts import person, signed_in
from tests.support.api_client import Program
from tests.support.letters import arrival

pytestmark = [
    pytest.mark.django_db(databases=["default", "telemetry"]),
    pytest.mark.both_databases,
]
PATH = "/api/v1/dead-letters/facets"
PRODUCTION = Scope(environment="production")
# Longer than anybody waits, on either database.
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is answered, however busy the machine is."""
    monkeypatch.setattr(facets, "SECONDS", 60)


@pytest.fixture
def letters() -> None:
    keep([arrival(queue="pay", version="2"), arrival(queue="pay", version="1"), arrival(version='1 "beta"')])


def test_counts_by_field(letters: None) -> None:
    operator = Program("operator", PRODUCTION)
    found = operator.get(PATH, fields="queue,version,state").json()
    assert found["counts"]["queue"] == [{"value": "pay", "letters": 2}, {"value": "extract", "letters": 1}]
    assert found["counts"]["state"] == [{"value": "held", "letters": 3}]
    assert (found["looked_at"], found["exact"], found["too_dear"]) == (3, True, False)
    assert operator.get(PATH, q="version:1", fields="queue").json()["looked_at"] == 1
    refused = operator.get(PATH, fields="colour").json()
    assert refused["errors"][0]["field"] == "fields"


def test_only_what_the_asker_may_see(letters: None) -> None:
    found = Program("operator", Scope(queue="extract")).get(PATH, fields="queue").json()
    assert found["counts"]["queue"] == [{"value": "extract", "letters": 1}]


def test_very_many__the_newest_are_counted(letters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facets, "LOOKED_AT", 2)
    found = Program("operator", PRODUCTION).get(PATH).json()
    assert (found["looked_at"], found["exact"]) == (2, False)


def test_too_dear__said_and_the_connection_goes_on(letters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def think() -> None:
        with connection.cursor() as cursor:
            cursor.execute(ENDLESS[connection.vendor])
            cursor.fetchone()

    with pytest.raises(bounded.TooDearError):
        bounded.within(0.05, think)
    assert Letter.objects.count() == 3

    def refuse(seconds: float, ask: object) -> None:
        raise bounded.TooDearError

    monkeypatch.setattr(bounded, "within", refuse)
    assert Program("operator", PRODUCTION).get(PATH).json()["too_dear"] is True
    ana = signed_in(person("ana", "operator"))
    assert "would take too long" in ana.get("/letters/facets?view=letters").content.decode()


def test_another_trouble__is_not_taken_for_a_dear_question() -> None:
    def fail() -> None:
        raise OperationalError("disk full")

    with pytest.raises(OperationalError, match="disk full"):
        bounded.within(60, fail)


def test_page__each_value_leads_to_its_letters(letters: None) -> None:
    ana = signed_in(person("ana", "operator"))
    said = ana.get("/letters/facets?view=letters").content.decode()
    links = dict(re.findall(r'href="([^"]+)" class="truncate" title="Only ([^"]+)"', said))
    urls = {html.unescape(name): html.unescape(url) for url, name in links.items()}
    assert {"pay", "extract", "1", "2", '1 "beta"'} <= urls.keys()
    for name, number in (("pay", 2), ('1 "beta"', 1)):
        page = ana.get(urls[name])
        assert len(page.context["page"].rows) == number, name
        assert "letters-facets" in page.content.decode()
    assert "Counting…" in ana.get("/letters?view=letters").content.decode()


@pytest.mark.parametrize(
    ("q", "texts"),
    [
        ("st", ["state:"]),
        ("state:held que", ["queue:"]),
        ("queue:p", ["queue:pay"]),
        ('version:1 "', []),
        ("version:", ["version:2", "version:1", 'version:"1 \\"beta\\""']),
        ("colour:r", []),
    ],
)
def test_suggestions__names_and_then_values(letters: None, q: str, texts: list[str]) -> None:
    found = Program("operator", PRODUCTION).get("/api/v1/dead-letters/suggestions", q=q).json()["results"]
    assert sorted(each["text"] for each in found) == sorted(texts)
    other = Program("operator", Scope(queue="other"), name="other")
    hidden = other.get("/api/v1/dead-letters/suggestions", q="queue:")
    assert hidden.json()["results"] == []
