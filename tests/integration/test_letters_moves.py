"""Letters go from group to group in portions: at every commit all figures add up, and in the end they are exact,
whatever is killed, asked for in between, or dies meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.deadletters.api import Redrive, keep
from agents.deadletters.models import (
    Death,
    FailureGroup,
    GroupMove,
    GroupPart,
    GroupRate,
    GroupSplit,
    Letter,
)
from agents.deadletters.services import merging, moving
from agents.deadletters.services.grouping import floor
from agents.deadletters.services.triage import TriageError
from agents.deadletters.values import Arrival, MoveState, State
from core.access import grants
from core.access.services import Actor
from core.crash import Point
from core.transitions import StaleStateError
from tests.support.accounts import person
from tests.support.cut import killed_at
from tests.support.letters import arrival

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
]
MANY = 7
BEGAN = datetime(2026, 11, 26, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two letters a commit, and three a look; a request does one portion."""
    monkeypatch.setattr(moving, "PORTION", 2)
    monkeypatch.setattr(moving, "WINDOW", 3)
    monkeypatch.setattr(merging, "LOOKED_AT", 3)
    monkeypatch.setattr(moving, "move_soon", lambda id: None)
    yield
    add_up()


@pytest.fixture
def ana() -> Actor:
    return Actor(grants.subject_of(person("ana", "operator")))


def died(kind: str, minute: int = 0, **changes: Any) -> Arrival:
    failure = {"reason": "exception", "type": kind, "message": f"{kind} happened"}
    made = arrival(failure=failure, attempts=[], **changes)
    return replace(made, died_at=BEGAN + timedelta(minutes=minute))


def many(kind: str, number: int = MANY, **changes: Any) -> FailureGroup:
    """A group of so many letters, a minute between two deaths."""
    keep([died(kind, minute, **changes) for minute in range(number)])
    return FailureGroup.objects.get(failure_type=kind)


def add_up() -> None:
    """Every death is counted once, by the group that it is counted in, in its minute and its hour; and a group's first
    and last death are within what is said."""
    parts = {row.pk: row for row in GroupPart.objects.all()}
    found: dict[UUID, list[tuple[datetime, str]]] = {}
    by_part: Counter[int] = Counter()
    for part, at, version in Death.objects.values_list("counted_in", "died_at", "version"):
        assert part in parts
        by_part[part] += 1
        found.setdefault(parts[part].group_id, []).append((at, version))
    for row in FailureGroup.objects.filter(merged_into=None):
        deaths = found.get(row.pk, [])
        mine = [each for each in parts.values() if each.group_id == row.pk]
        assert row.deaths == sum(each.deaths for each in mine)
        for seconds in (60, 3600):
            rates = GroupRate.objects.filter(group=row, seconds=seconds)
            assert sum(each.deaths for each in rates) == row.deaths
        if deaths:
            assert row.first_died_at <= min(deaths)[0] <= max(deaths)[0] <= row.last_died_at
    counted = FailureGroup.objects.filter(merged_into=None).values_list("deaths", flat=True)
    assert sum(counted) == Death.objects.count()


def exact(group: FailureGroup) -> None:
    """All that a group shows is what the deaths of its letters say, which died nowhere else."""
    row = FailureGroup.objects.get(pk=group.pk)
    deaths = list(Death.objects.filter(letter__group=row).values_list("died_at", "version"))
    assert row.deaths == len(deaths)
    assert (row.first_died_at, row.last_died_at) == (min(deaths)[0], max(deaths)[0])
    for seconds in (60, 3600):
        wanted = Counter((floor(at, seconds), version) for at, version in deaths)
        rates = GroupRate.objects.filter(group=row, seconds=seconds).values_list("at", "version", "deaths")
        assert {(at, version): number for at, version, number in rates} == wanted


def to_the_end(*, sampled: bool = True) -> int:
    """A worker takes a portion at a time of what it may, oldest first; how many it took."""
    turns = 0
    while due := moving.due():
        moving._work(due[0], portions=1)
        turns += 1
        if sampled:
            add_up()
        assert turns < 100
    return turns


def count(group: FailureGroup) -> int:
    return Letter.objects.filter(group=group).count()


def test_small__done_at_once(ana: Actor) -> None:
    one, other = many("A", 1), many("B", 1)
    (move,) = merging.merge(one, [other], ana)
    assert (move.state, move.moved, count(one)) == (MoveState.DONE, 1, 2)
    assert FailureGroup.objects.get(pk=other.pk).merged_into == one
    move = merging.split(one, ana, field="failure_type", value="B")
    assert (move.state, move.letters, count(move.into)) == (MoveState.DONE, 2, 1)
    exact(one)
    exact(move.into)


def test_large_merge__later_deaths_follow_at_once_and_letters_in_portions(ana: Actor) -> None:
    into, source = many("A"), many("B")
    (move,) = merging.merge(into, [source], ana)
    assert (move.state, move.letters, move.moved) == (MoveState.MOVING, MANY, 2)
    assert (count(into), count(source)) == (MANY + 2, MANY - 2)
    add_up()
    keep([died("B")])
    assert (count(into), count(source)) == (MANY + 3, MANY - 2)
    assert to_the_end() == 3
    move.refresh_from_db()
    assert (move.state, move.moved, count(into)) == (MoveState.DONE, MANY, 2 * MANY + 1)
    exact(into)


@pytest.mark.parametrize("times", [1, 2, 3, 6])
def test_killed_anywhere__goes_on_where_it_was(ana: Actor, times: int) -> None:
    into, source = many("A"), many("B")
    (move,) = merging.merge(into, [source], ana)
    # Twice a portion: before its commit, and after it.
    killed_at(Point.MOVE, lambda: moving.go_on(move.pk), times)
    add_up()
    assert moving.due() == []
    GroupMove.objects.update(until=None)
    to_the_end()
    assert GroupMove.objects.get().moved == MANY
    exact(into)


def test_killed_in_a_split__goes_on_and_moves_each_once(ana: Actor) -> None:
    group = many("A")
    ids = Letter.objects.order_by("pk").values_list("pk", flat=True)
    Letter.objects.filter(pk__in=list(ids[2:6])).update(task="other")
    move = merging.split(group, ana, field="task", value="other")
    killed_at(Point.MOVE, lambda: moving.go_on(move.pk), 2)
    GroupMove.objects.update(until=None)
    to_the_end()
    move.refresh_from_db()
    assert (move.looked, move.moved, count(move.into), count(group)) == (MANY, 4, 4, MANY - 4)
    exact(group)
    exact(move.into)


def test_who_lost_the_lease__commits_nothing_more(ana: Actor) -> None:
    into, source = many("A"), many("B")
    (move,) = merging.merge(into, [source], ana)
    held = moving._hold(move.pk)
    assert held
    GroupMove.objects.update(until=None)
    assert moving._hold(move.pk)
    with pytest.raises(StaleStateError):
        moving._moved_all(held, 0, 0.0)
    assert count(source) == MANY - 2


def test_crossing_merges__the_second_is_refused_and_says_why(ana: Actor) -> None:
    one, other = many("A"), many("B")
    merging.merge(one, [other], ana)
    with pytest.raises(TriageError, match="was merged into"):
        merging.merge(other, [one], ana)
    to_the_end()
    with pytest.raises(TriageError, match="was merged into"):
        merging.merge(other, [one], ana)
    exact(one)


def test_a_into_b_and_b_into_c__all_in_c_and_each_after_the_other(ana: Actor) -> None:
    a, b, c = many("A"), many("B"), many("C")
    (first,) = merging.merge(b, [a], ana)
    (second,) = merging.merge(c, [b], ana)
    assert moving.waits_for(second.pk) == first
    assert second.moved == 0
    keep([died("A"), died("B")])
    assert count(c) == MANY + 2
    to_the_end()
    assert count(c) == 3 * MANY + 2
    assert {*FailureGroup.objects.filter(merged_into=c)} == {a, b}
    exact(c)


def test_split_while_a_merge_is_under_way__finds_those_that_were_still_to_come(ana: Actor) -> None:
    a, b = many("A"), many("B", version="2.0")
    merging.merge(a, [b], ana)
    split = merging.split(a, ana, field="version", value="2.0")
    keep([died("A", version="2.0")])
    to_the_end()
    assert (count(a), count(split.into)) == (MANY, MANY + 1)
    exact(a)
    exact(split.into)


def test_a_letter_that_dies_again_on_its_way__is_there_at_once(ana: Actor) -> None:
    into, source = many("A"), many("B")
    merging.merge(into, [source], ana)
    letter = Letter.objects.filter(group=source).latest("pk")
    Letter.objects.filter(pk=letter.pk).update(state=State.DISPATCHED, redrives=1)
    keep([replace(died("B", 30), redrive=Redrive(letter.pk, 1))])
    letter.refresh_from_db()
    assert letter.group == into
    add_up()
    to_the_end()
    row = FailureGroup.objects.get(pk=into.pk)
    assert (row.deaths, row.came_back, row.came_back_letter) == (2 * MANY + 1, 1, letter.pk)
    exact(into)


def test_merge_taken_back__letters_later_deaths_and_figures_are_apart_again(ana: Actor) -> None:
    into, source = many("A"), many("B")
    (merge,) = merging.merge(into, [source], ana)
    to_the_end()
    keep([died("B", 20)])
    back = merging.undo(merge, ana)
    assert back.undoes == merge
    keep([died("B", 21)])
    to_the_end()
    assert (count(into), count(source)) == (MANY, MANY + 2)
    exact(into)
    exact(source)
    with pytest.raises(TriageError, match="only once"):
        merging.undo(merge, ana)
    merge.refresh_from_db()
    assert merge.state == MoveState.UNDONE


def test_merge_taken_back_on_the_way__stops_and_goes_back(ana: Actor) -> None:
    into, source = many("A"), many("B")
    (merge,) = merging.merge(into, [source], ana)
    assert count(into) > MANY
    merging.undo(merge, ana)
    to_the_end()
    assert (count(into), count(source)) == (MANY, MANY)
    exact(into)
    exact(source)


def test_merges_of_merges__taken_back_from_the_last_on(ana: Actor) -> None:
    a, b, c = many("A"), many("B"), many("C")
    (first,) = merging.merge(b, [a], ana)
    (second,) = merging.merge(c, [b], ana)
    to_the_end()
    with pytest.raises(TriageError, match="was merged into"):
        merging.undo(first, ana)
    merging.undo(second, ana)
    to_the_end()
    assert (count(b), count(c), FailureGroup.objects.get(pk=a.pk).merged_into) == (2 * MANY, MANY, b)
    merging.undo(first, ana)
    to_the_end()
    assert [count(each) for each in (a, b, c)] == [MANY, MANY, MANY]
    for each in (a, b, c):
        exact(each)


def test_split_merged_and_taken_back__later_deaths_go_where_the_split_says(ana: Actor) -> None:
    keep([died("A", minute, version=f"{minute % 2}.0") for minute in range(MANY)])
    group = FailureGroup.objects.get()
    new = merging.split(group, ana, field="version", value="1.0").into
    to_the_end()
    (merge,) = merging.merge(group, [new], ana)
    to_the_end()
    assert not GroupSplit.objects.exists()
    merging.undo(merge, ana)
    to_the_end()
    keep([died("A", 9, version="1.0")])
    assert (count(group), count(new)) == (4, 4)
    exact(group)
    exact(new)


def test_what_a_group_counted_of_others__goes_with_the_merge_and_comes_back(ana: Actor) -> None:
    """One of its letters died of something else since; another has expired."""
    into, source = many("A"), many("B")
    strayed, expired = Letter.objects.filter(group=source).order_by("pk")[:2]
    Letter.objects.filter(pk=strayed.pk).update(state=State.DISPATCHED, redrives=1)
    keep([replace(died("C", 30), redrive=Redrive(strayed.pk, 1))])
    expired.delete()
    (merge,) = merging.merge(into, [source], ana)
    to_the_end(sampled=False)
    assert FailureGroup.objects.get(pk=into.pk).deaths == 2 * MANY
    assert sum(GroupRate.objects.filter(group=into, seconds=60).values_list("deaths", flat=True)) == 2 * MANY
    merging.undo(merge, ana)
    to_the_end(sampled=False)
    assert [FailureGroup.objects.get(pk=each.pk).deaths for each in (into, source)] == [MANY, MANY]
    exact(into)
    # For the sums at the end.
    Death.objects.filter(letter=strayed.pk).delete()
    FailureGroup.objects.filter(pk=source.pk).delete()
    Letter.objects.all().delete()
    FailureGroup.objects.all().delete()


def test_split_of_nothing_in_a_large_group__comes_to_its_end_and_says_so(ana: Actor) -> None:
    group = many("A")
    move = merging.split(group, ana, field="sender", value="nobody")
    to_the_end()
    move.refresh_from_db()
    assert (move.state, move.moved, count(group)) == (MoveState.DONE, 0, MANY)
    exact(group)
