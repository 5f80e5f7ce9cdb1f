"""Failure groups for programs: shapes, triage by compare-and-set, merge and split that later deaths follow, notes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from agents.deadletters.api import keep
from agents.deadletters.fingerprint import is_current
from agents.deadletters.models import FailureGroup, Letter
from agents.deadletters.services import moving
from core.access.api import Scope
from core.access.audit.models import Entry
from tests.support.api_client import Program
from tests.support.letters import arrival

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PATH, MOVES = "/api/v1/failure-groups", "/api/v1/group-moves"
PRODUCTION = Scope(environment="production")
LATE: dict[str, Any] = {
    "failure": {"reason": "exception", "type": "TimeoutError", "message": "too late"},
    "attempts": [],
}


@pytest.fixture
def operator() -> Program:
    return Program("operator", PRODUCTION)


def group_of(letter: Any) -> FailureGroup:
    found = Letter.objects.select_related("group").get(pk=letter.letter_id).group
    assert found
    return found


def test_list__in_the_contracts_shape(operator: Program) -> None:
    keep([arrival(), arrival(), arrival(**LATE)])
    found = operator.get(PATH, order="deaths").json()["results"]
    assert [(each["title"], each["count"], each["held"]) for each in found] == [
        ("ValueError: amount is negative", 2, 2),
        ("TimeoutError: too late", 1, 1),
    ]
    assert (found[0]["triage"], found[0]["came_back"]) == ("new", None)
    assert is_current(found[0]["fingerprint"])


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"error": "timeout"}, ["TimeoutError: too late"]),
        ({"q": "negative"}, ["ValueError: amount is negative"]),
        ({"queue": "other"}, []),
        ({"triage": "resolved"}, []),
        ({"held": "true", "error": "value"}, ["ValueError: amount is negative"]),
        ({"came_back": "true"}, []),
        ({"environment": "staging"}, []),
    ],
)
def test_filters(operator: Program, query: dict[str, str], titles: list[str]) -> None:
    keep([arrival(), arrival(**LATE)])
    assert [each["title"] for each in operator.get(PATH, **query).json()["results"]] == titles


def test_one__says_how_it_was_formed_and_what_it_touches(operator: Program) -> None:
    (kept,) = keep([arrival()])
    found = operator.get(f"{PATH}/{group_of(kept).pk}").json()
    assert found["formed"]["raised"] == [{"type": "ValueError", "message": "amount is negative"}]
    assert found["touched"]["version"] == [{"value": "1.8.2", "deaths": 1}]
    assert [each["reason"] for each in found["changes"]] == ["first death"]


def test_letters_of_a_group(operator: Program) -> None:
    kept, _ = keep([arrival(), arrival(**LATE)])
    found = operator.get("/api/v1/dead-letters", group=str(group_of(kept).pk)).json()["results"]
    assert [each["id"] for each in found] == [str(kept.letter_id)]


def test_out_of_scope__as_if_it_were_not_there() -> None:
    (kept,) = keep([arrival()])
    other = Program("operator", Scope(queue="mail"))
    assert other.get(PATH).json()["results"] == []
    assert other.get(f"{PATH}/{group_of(kept).pk}").status_code == 404


def test_triage__with_history_and_entry(operator: Program) -> None:
    (kept,) = keep([arrival()])
    path = f"{PATH}/{group_of(kept).pk}"
    answer = operator.patch(path, {"triage": "assigned", "assigned_to": "ana", "reason": "knows it"})
    assert (answer.status_code, answer.json()["triage"], answer.json()["assigned_to"]) == (
        200,
        "assigned",
        "ana",
    )
    assert answer.json()["changes"][0]["reason"] == "to ana. knows it"
    assert Entry.objects.filter(action="failure_group.triaged").count() == 1


def test_triage_from_another_state__refused(operator: Program) -> None:
    (kept,) = keep([arrival()])
    path = f"{PATH}/{group_of(kept).pk}"
    assert operator.patch(path, {"triage": "resolved", "from": "acknowledged"}).status_code == 409
    assert FailureGroup.objects.get().state == "new"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"triage": "assigned"}, "assigned_to"),
        ({"triage": "muted"}, "muted_until"),
        ({"triage": "muted", "muted_until": "2001-01-01T00:00:00Z"}, "muted_until"),
        ({"triage": "gone"}, "triage"),
    ],
)
def test_wrong_triage__refused_with_the_field(operator: Program, given: dict[str, str], field: str) -> None:
    (kept,) = keep([arrival()])
    answer = operator.patch(f"{PATH}/{group_of(kept).pk}", given)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_without_the_right__refused() -> None:
    (kept,) = keep([arrival()])
    viewer = Program("viewer", PRODUCTION)
    path = f"{PATH}/{group_of(kept).pk}"
    assert viewer.patch(path, {"triage": "resolved"}).status_code == 403
    assert {viewer.post(f"{path}/{tail}", {}).status_code for tail in ("merge", "split", "notes")} == {403}


def test_merge__letters_and_later_deaths_follow(operator: Program) -> None:
    one, two = keep([arrival(), arrival(**LATE)])
    into, other = group_of(one), group_of(two)
    found = operator.post(f"{PATH}/{into.pk}/merge", {"groups": [str(other.pk)]}).json()
    assert (found["count"], found["deaths"]) == (2, 2)
    (later,) = keep([arrival(**LATE)])
    assert group_of(later) == into
    assert operator.get(f"{PATH}/{other.pk}").json()["id"] == str(into.pk)
    assert [each["deaths"] for each in operator.get(PATH).json()["results"]] == [3]


def test_merge_of_many__answers_at_once_with_where_to_ask(
    operator: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PORTION", 1)
    one, two, _ = keep([arrival(), arrival(**LATE), arrival(**LATE)])
    into, other = group_of(one), group_of(two)
    answer = operator.post(f"{PATH}/{into.pk}/merge", {"groups": [str(other.pk)], "reason": "one fault"})
    assert (answer.status_code, answer.json()["count"], answer.json()["deaths"]) == (202, 2, 2)
    move = operator.get(answer["Location"]).json()
    assert answer.json()["moves"] == [move]
    assert (move["kind"], move["state"], move["reason"]) == ("merge", "moving", "one fault")
    assert (move["letters"], move["moved"], move["waits_for"]) == (2, 1, None)
    assert operator.get(f"{PATH}/{other.pk}").json()["going_to"] == str(into.pk)
    assert operator.post(f"{PATH}/{other.pk}/merge", {"groups": [str(into.pk)]}).status_code == 400
    moving.go_on(UUID(move["id"]))
    assert operator.get(answer["Location"]).json()["state"] == "done"
    assert operator.get(f"{PATH}/{other.pk}").json()["id"] == str(into.pk)
    assert operator.get(MOVES, group=str(into.pk), state="moving").json()["results"] == []


def test_merge_taken_back__audited_and_only_once(operator: Program) -> None:
    one, two = keep([arrival(), arrival(**LATE)])
    into, other = group_of(one), group_of(two)
    merged = operator.post(f"{PATH}/{into.pk}/merge", {"groups": [str(other.pk)]}).json()["moves"][0]
    viewer = Program("viewer", PRODUCTION)
    assert viewer.post(f"{MOVES}/{merged['id']}/undo", {}).status_code == 403
    back = operator.post(f"{MOVES}/{merged['id']}/undo", {"reason": "two faults"})
    assert (back.status_code, back.json()["undoes"], back.json()["moved"]) == (200, merged["id"], 1)
    assert group_of(two) == other
    assert operator.get(f"{MOVES}/{merged['id']}").json()["state"] == "undone"
    assert operator.post(f"{MOVES}/{merged['id']}/undo", {}).status_code == 400
    assert Entry.objects.get(action="failure_group.merge_undone").why == "two faults"


def test_moves_out_of_scope__as_if_they_were_not_there(operator: Program) -> None:
    one, two = keep([arrival(), arrival(**LATE)])
    path = f"{PATH}/{group_of(one).pk}/merge"
    merged = operator.post(path, {"groups": [str(group_of(two).pk)]}).json()["moves"][0]
    other = Program("viewer", Scope(queue="mail"))
    assert other.get(MOVES).json()["results"] == []
    assert other.get(f"{MOVES}/{merged['id']}").status_code == 404


def test_split_by_a_field__letters_and_later_deaths_follow(operator: Program) -> None:
    one, two = keep([arrival(version="1.0"), arrival(version="2.0")])
    answer = operator.post(f"{PATH}/{group_of(one).pk}/split", {"field": "version", "value": "2.0"})
    assert (answer.status_code, answer.json()["deaths"]) == (201, 1)
    (later,) = keep([arrival(version="2.0")])
    assert group_of(later) == group_of(two) != group_of(one)
    assert group_of(two).deaths == 2


def test_split_off_what_was_split_off__later_deaths_follow_both(operator: Program) -> None:
    odd: dict[str, Any] = {"version": "2.0", "sender": "odd"}
    one, two, three = keep([arrival(version="1.0"), arrival(version="2.0"), arrival(**odd)])
    operator.post(f"{PATH}/{group_of(one).pk}/split", {"field": "version", "value": "2.0"})
    operator.post(f"{PATH}/{group_of(two).pk}/split", {"field": "sender", "value": "odd"})
    assert group_of(three) not in {group_of(one), group_of(two)}
    (later,) = keep([arrival(**odd)])
    assert group_of(later) == group_of(three)
    operator.post(f"{PATH}/{group_of(one).pk}/merge", {"groups": [str(group_of(three).pk)]})
    (later,) = keep([arrival(**odd)])
    assert group_of(later) == group_of(one)


def test_split_by_letters__those_alone(operator: Program) -> None:
    one, two = keep([arrival(), arrival()])
    answer = operator.post(f"{PATH}/{group_of(one).pk}/split", {"letters": [str(two.letter_id)]})
    assert answer.json()["id"] == str(group_of(two).pk) != str(group_of(one).pk)
    (later,) = keep([arrival()])
    assert group_of(later) == group_of(one)


@pytest.mark.parametrize(
    "given", [{}, {"field": "colour", "value": "red"}, {"field": "agent", "value": "extract"}]
)
def test_split_of_nothing_or_all__refused(operator: Program, given: dict[str, str]) -> None:
    (kept,) = keep([arrival()])
    assert operator.post(f"{PATH}/{group_of(kept).pk}/split", given).status_code == 400


def test_note__kept_with_its_link(operator: Program) -> None:
    (kept,) = keep([arrival()])
    path = f"{PATH}/{group_of(kept).pk}/notes"
    assert operator.post(path, {"text": "see", "link": "https://x.example/1"}).status_code == 201
    assert operator.post(path, {"text": "see", "link": "javascript:alert(1)"}).status_code == 400
    assert [each["link"] for each in operator.get(path).json()["results"]] == ["https://x.example/1"]
