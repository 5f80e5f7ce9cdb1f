"""The small lines of groups in a list: deaths counted by the database into equal parts of a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agents.deadletters import groups
from agents.deadletters.models import FailureGroup, GroupRate
from tests.support.operations import held

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
UNTIL = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def group() -> FailureGroup:
    held()
    GroupRate.objects.all().delete()
    return FailureGroup.objects.get()


def died(group: FailureGroup, ago: timedelta, deaths: int, version: str = "", seconds: int = 3_600) -> None:
    GroupRate.objects.create(group=group, seconds=seconds, at=UNTIL - ago, deaths=deaths, version=version)


def counted(group: FailureGroup, parts: int = 6, seconds: int = 3_600) -> list[int]:
    return groups.lines([group.pk], seconds, UNTIL - 6 * HOUR, UNTIL, parts).get(group.pk, [])


def test_each_hour_lies_in_its_part_with_all_versions(group: FailureGroup) -> None:
    died(group, 6 * HOUR, 1)
    died(group, 5 * HOUR, 2, "1.0")
    died(group, 5 * HOUR, 3, "1.1")
    died(group, HOUR, 4)
    assert counted(group) == [1, 5, 0, 0, 0, 4]
    assert counted(group, 3) == [6, 0, 4]


def test_what_was_under_way_at_the_beginning_counts_there(group: FailureGroup) -> None:
    died(group, 6 * HOUR + timedelta(minutes=30), 7)
    died(group, 7 * HOUR, 100)
    died(group, timedelta(0), 100)
    assert counted(group) == [7, 0, 0, 0, 0, 0]


def test_minutes_and_hours_are_not_counted_together(group: FailureGroup) -> None:
    died(group, HOUR, 4)
    died(group, HOUR, 2, seconds=60)
    assert counted(group, seconds=60) == [0, 0, 0, 0, 0, 2]


def test_a_group_in_which_nothing_died_has_no_line(group: FailureGroup) -> None:
    assert counted(group) == []
