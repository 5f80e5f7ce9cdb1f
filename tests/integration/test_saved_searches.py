"""Saved searches: one's own and shared ones, over the API and on the page, each change in the trail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from agents.deadletters.api import keep
from agents.searches import services as searches
from agents.searches.models import SavedSearch
from agents.searches.values import RIGHTS, SearchOf
from core.access import services as access
from core.access.api import Permission, Scope
from core.access.audit.models import Entry
from core.access.routes import needed_by
from dashboard.api.saved_searches import PATHS, path_of
from tests.support.accounts import ACTOR, person, signed_in
from tests.support.api_client import Program
from tests.support.letters import arrival

pytestmark = [
    pytest.mark.django_db(databases=["default", "telemetry"]),
    pytest.mark.both_databases,
]
PATH = "/api/v1/saved-searches"
CARDS = {"name": "cards", "query": "state=held&q=card"}
KEEPERS = {"letters": Permission.MANAGE_LETTERS, "agents": Permission.MANAGE_AGENTS}
every_kind = pytest.mark.parametrize("kind", list(SearchOf))


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


@every_kind
def test_every_list_has_its_own__whoever_sees_the_page(kind: SearchOf) -> None:
    ana = Program("operator", name="ana")
    # One name may stand on every page.
    for each in SearchOf:
        answer = ana.post(PATH, CARDS | {"of": str(each)})
        assert (answer.status_code, answer.json()["path"]) == (201, path_of(each, CARDS["query"]))
    assert [each["of"] for each in ana.get(PATH, of=kind).json()["results"]] == [kind]


@every_kind
def test_what_shows_a_search_takes_the_right_of_its_page(kind: SearchOf) -> None:
    view: Any = resolve(PATHS[kind]).func
    assert needed_by(view) == RIGHTS[kind].view


def test_who_may_not_see_a_page_neither_finds_nor_keeps_searches_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ana = Program("operator", name="ana")
    for of in ("logs", "traces"):
        assert ana.post(PATH, CARDS | {"of": of, "shared": True}).status_code == 201
    dearer = replace(RIGHTS[SearchOf.LOGS], view=Permission.READ_AUDIT)
    monkeypatch.setitem(RIGHTS, SearchOf.LOGS, dearer)
    bo = Program("operator", name="bo")
    assert [each["of"] for each in bo.get(PATH).json()["results"]] == ["traces"]
    refused = bo.post(PATH, CARDS | {"of": "logs"})
    assert (refused.status_code, refused.json()["permission"]) == (403, "read_audit")


@pytest.mark.parametrize(("of", "manager"), [("letters", "letters"), ("logs", "agents")])
def test_what_somebody_else_shares_is_changed_by_who_manages_what_it_is_of(of: str, manager: str) -> None:
    ana = Program("operator", name="ana")
    one = ana.post(PATH, CARDS | {"of": of, "shared": True})["Location"]
    for name, permission in KEEPERS.items():
        access.create_role(f"keeper of {name}", [Permission.SEE, permission], ACTOR)
        answer = Program(f"keeper of {name}", Scope(), name=name).patch(one, {"name": name})
        assert answer.status_code == (200 if name == manager else 403)


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


@pytest.mark.parametrize("kind", [SearchOf.LETTERS, SearchOf.TRACES, SearchOf.LOGS])
def test_page__kept_picked_and_removed(kind: SearchOf) -> None:
    keep([arrival()])
    ana: Client = signed_in(person("ana", "operator"))
    kept = ana.post("/searches", {"name": "<cards>", "of": str(kind), "query": "q=card&cursor=x&counts=1"})
    there = path_of(kind, "q=card")
    assert kept["Location"] == there
    link = f'<a class="menu-item" href="{there.replace("&", "&amp;")}">&lt;cards&gt;'
    assert link in ana.get(path_of(kind, "")).content.decode()
    for other in {*SearchOf} - {kind}:
        assert "&lt;cards&gt;" not in ana.get(path_of(other, "")).content.decode()
    one = f"/searches/{SavedSearch.objects.get().pk}/remove"
    assert ana.post(one, {"of": str(kind), "query": "q=card"})["Location"] == there
    assert not SavedSearch.objects.exists()


def test_page__sent_back_to_a_list_only() -> None:
    ana: Client = signed_in(person("ana", "operator"))
    refused = ana.post("/searches", {"name": "", "of": "//example.org", "query": "q=card&view=groups"})
    assert refused["Location"] == "/letters?view=letters&q=card"
