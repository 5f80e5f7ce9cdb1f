"""Groups: deaths fall into them when they are kept, are counted, come back, and are new again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agents.deadletters import fingerprint
from agents.deadletters.api import Redrive, keep
from agents.deadletters.models import FailureGroup, GroupAlias, GroupPart, GroupRate, Letter
from agents.deadletters.services import grouping
from agents.deadletters.signals import DiedAgain, died_again
from agents.deadletters.values import State, Triage
from tests.support.letters import arrival

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
OTHER: dict[str, Any] = {
    "failure": {"reason": "exception", "type": "TimeoutError", "message": "too late"},
    "attempts": [],
}


def test_same_failure__one_group_with_its_figures() -> None:
    one = arrival(version="1.0")
    keep([one, replace(arrival(version="2.0"), died_at=one.died_at + timedelta(minutes=2)), arrival(**OTHER)])
    largest = FailureGroup.objects.order_by("-deaths").first()
    assert largest
    assert (FailureGroup.objects.count(), largest.deaths, largest.letters.count()) == (2, 2, 2)
    assert largest.last_died_at - largest.first_died_at == timedelta(minutes=2)
    assert set(GroupPart.objects.filter(group=largest).values_list("version", "deaths")) == {
        ("1.0", 1),
        ("2.0", 1),
    }
    assert GroupRate.objects.filter(group=largest, seconds=60).count() == 2
    assert largest.formed["raised"][0]["type"] == "ValueError"


def test_same_death_again__counted_once() -> None:
    one = arrival()
    keep([one])
    keep([one])
    assert FailureGroup.objects.get().deaths == 1


def test_environments__groups_of_their_own() -> None:
    keep([arrival(), arrival(environment="staging")])
    assert FailureGroup.objects.count() == 2


def test_dies_the_same_way_after_a_redrive__came_back() -> None:
    (first,) = keep([arrival()])
    Letter.objects.update(state=State.DISPATCHED, redrives=1)
    keep([replace(arrival(), redrive=Redrive(first.letter_id, 1))])
    group = FailureGroup.objects.get()
    assert (group.deaths, group.came_back, group.came_back_redrive) == (2, 1, 1)
    assert group.came_back_letter == first.letter_id


def test_dies_another_way__moves_to_that_group() -> None:
    (first,) = keep([arrival()])
    Letter.objects.update(state=State.DISPATCHED, redrives=1)
    keep([replace(arrival(**OTHER), redrive=Redrive(first.letter_id, 1))])
    letter = Letter.objects.select_related("group").get()
    assert letter.group
    assert (letter.group.title, letter.group.came_back) == ("TimeoutError: too late", 0)


def test_resolved_and_dies_again__new() -> None:
    keep([arrival()])
    FailureGroup.objects.update(state=Triage.RESOLVED)
    keep([arrival()])
    group = FailureGroup.objects.get()
    assert group.state == Triage.NEW
    assert group.changes.latest("pk").reason == "died again"


def test_kept_before_there_were_groups__grouped_later() -> None:
    keep([arrival(), arrival()])
    Letter.objects.update(group=None, fingerprint="")
    GroupAlias.objects.all().delete()
    FailureGroup.objects.all().delete()
    assert grouping.backfill() == 2
    assert grouping.backfill() == 0
    assert Letter.objects.exclude(group=None).count() == FailureGroup.objects.get().deaths == 2


def formed_earlier() -> FailureGroup:
    """As the groups are that were formed before fingerprints were formed as they are now."""
    old = "1." + "a" * 24
    group = FailureGroup.objects.get()
    FailureGroup.objects.update(fingerprint=old)
    GroupAlias.objects.update(fingerprint=old)
    Letter.objects.update(fingerprint=old)
    return group


def test_group_formed_earlier__lives_on_when_it_strikes_again() -> None:
    keep([arrival(), arrival()])
    group = formed_earlier()
    FailureGroup.objects.update(state=Triage.ACKNOWLEDGED)
    keep([arrival()])
    found = FailureGroup.objects.get()
    assert (found.pk, found.deaths, found.state) == (group.pk, 3, Triage.ACKNOWLEDGED)
    assert fingerprint.is_current(found.fingerprint)
    assert GroupAlias.objects.filter(group=found).count() == 2


def test_group_formed_earlier__another_failure_is_none_of_it() -> None:
    keep([arrival()])
    group = formed_earlier()
    failure = {"reason": "exception", "type": "ValueError", "message": "no such currency"}
    keep([arrival(failure=failure, attempts=[])])
    assert FailureGroup.objects.count() == 2
    group.refresh_from_db()
    assert group.deaths == 1


def test_letter_formed_earlier_dies_as_before__came_back() -> None:
    (first,) = keep([arrival()])
    group = formed_earlier()
    Letter.objects.update(state=State.DISPATCHED, redrives=1)
    keep([replace(arrival(), redrive=Redrive(first.letter_id, 1))])
    keep([arrival()])
    found = FailureGroup.objects.get()
    assert (found.pk, found.deaths, found.came_back) == (group.pk, 3, 1)
    assert fingerprint.is_current(Letter.objects.get(pk=first.letter_id).fingerprint)


def test_another_fingerprint_of_the_same_group__the_same_failure() -> None:
    (first, _) = keep([arrival(), arrival(**OTHER)])
    group = Letter.objects.get(pk=first.letter_id).group
    GroupAlias.objects.update(group=group)
    Letter.objects.filter(pk=first.letter_id).update(state=State.DISPATCHED, redrives=1)
    heard: list[DiedAgain] = []
    receiver = lambda deaths, **_: heard.extend(deaths)  # noqa: E731 - a name keeps it alive
    died_again.connect(receiver)
    try:
        keep([replace(arrival(**OTHER), redrive=Redrive(first.letter_id, 1))])
    finally:
        died_again.disconnect(receiver)
    assert [each.same for each in heard] == [True]
