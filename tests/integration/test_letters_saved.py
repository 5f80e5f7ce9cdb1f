"""Saved searches: one's own and shared ones, over the API and on the page, each change in the trail."""

from __future__ import annotations

import pytest
from django.test import Client

from agents.deadletters.api import keep
from agents.deadletters.models import SavedSearch
from agents.deadletters.services import searches
from core.access.api import Scope
from core.access.audit.models import Entry
from tests.support.accounts import person, signed_in
from tests.support.api_client import Program
from tests.support.letters import arrival

pytestmark = [
    pytest.mark.django_db(databases=["default", "telemetry"]),
    pytest.mark.both_databases,
]
PATH = "/api/v1/saved-searches"
CARDS = {"name": "cards", "query": "state=held&q=card"}


def names(who: Program, **query: str) -> list[str]:
    answer = who.get(PATH, **query)
    assert answer.status_code == 200, answer.json()
    return [each["name"] for each in answer.json()["results"]]


def test_kept_changed_and_removed__noted_each_time() -> None:
    ana = Program("operator", name="ana")
    made = ana.post(PATH, CARDS)
    assert made.status_code == 201, made.json()
    assert made.json()["path"] == "/letters?view=letters&state=held&q=card"
    assert (made.json()["own"], made.json()["of"], made.json()["shared"]) == (True, "letters", False)
    one = made["Location"]
    assert ana.patch(one, {"name": "card trouble"}).json()["name"] == "card trouble"
    assert ana.get(one).json()["query"] == CARDS["query"]
    assert ana.delete(one).status_code == 204
    assert ana.get(one).status_code == 404
    actions = Entry.objects.filter(action__startswith="saved_search").order_by("sequence")
    assert [entry.action.partition(".")[2] for entry in actions] == ["changed", "changed", "removed"]


def test_own_ones_are_seen_by_nobody_else_until_shared() -> None:
    ana, bo = Program("operator", name="ana"), Program("operator", name="bo")
    one = ana.post(PATH, CARDS)["Location"]
    assert (names(ana), names(bo), bo.get(one).status_code) == (["cards"], [], 404)
    ana.patch(one, {"shared": True})
    assert (names(bo), names(bo, shared="true"), names(bo, of="traces")) == (["cards"], ["cards"], [])
    seen = bo.get(one).json()
    assert (seen["owner"], seen["own"]) == (ana.get(one).json()["owner"], False)
    assert (bo.patch(one, {"name": "mine"}).status_code, bo.delete(one).status_code) == (403, 403)
    assert Program("admin", Scope()).delete(one).status_code == 204


def test_to_share_takes_the_right_to_triage() -> None:
    viewer = Program("viewer")
    assert viewer.post(PATH, CARDS | {"shared": True}).json()["permission"] == "triage"
    assert viewer.post(PATH, CARDS).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"of": "agents"}, "of"),
        ({"query": "cursor=abc"}, "query"),
        ({"query": "&".join(["a=b"] * 60)}, "query"),
    ],
)
def test_what_cannot_be_kept__refused_with_the_field(change: dict[str, str], field: str) -> None:
    answer = Program("operator").post(PATH, CARDS | change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_a_name_twice__refused_for_one_person_only(monkeypatch: pytest.MonkeyPatch) -> None:
    ana, bo = Program("operator", name="ana"), Program("operator", name="bo")
    assert [who.post(PATH, CARDS).status_code for who in (ana, bo, ana)] == [201, 201, 400]
    monkeypatch.setattr(searches, "MOST_EACH", 1)
    assert ana.post(PATH, CARDS | {"name": "more"}).status_code == 400


def test_page__kept_picked_and_removed() -> None:
    keep([arrival()])
    ana: Client = signed_in(person("ana", "operator"))
    kept = ana.post("/letters/searches", {"name": "<cards>", "of": "letters", "query": "q=card&cursor=x"})
    assert kept["Location"] == "/letters?view=letters&q=card"
    said = ana.get("/letters?view=letters").content.decode()
    assert '<a class="menu-item" href="/letters?view=letters&amp;q=card">&lt;cards&gt;' in said
    assert "&lt;cards&gt;" not in ana.get("/letters?view=groups").content.decode()
    back = ana.post(
        f"/letters/searches/{SavedSearch.objects.get().pk}/remove", {"of": "letters", "query": "q=card"}
    )
    assert back["Location"] == "/letters?view=letters&q=card"
    assert not SavedSearch.objects.exists()
