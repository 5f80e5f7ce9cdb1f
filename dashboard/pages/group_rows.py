"""Failure groups as pages show them: what is held, the line over time, versions; each read once for a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from agents.deadletters import groups as selectors
from agents.deadletters.models import FailureGroup, GroupPart, Letter
from agents.deadletters.selectors import FIELDS, seen_by
from agents.deadletters.services.retention import MINUTES_KEPT
from agents.operations import selectors as operations
from agents.operations.models import Operation
from core import clock
from core.access.api import Permission, Subject
from core.access.scoping import visible
from dashboard.charts import deaths

MINUTE, HOUR = 60, 3_600
# Up to here a line is drawn from minutes, beyond from hours.
FINE_UP_TO = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Line:
    """A group in the list."""

    row: FailureGroup
    held: int
    spark: str
    versions: tuple[str, ...]
    # After whose redrive it came back.
    after: Operation | None = None


def lines(subject: Subject, rows: Sequence[FailureGroup], since: datetime, until: datetime) -> list[Line]:
    ids = [row.pk for row in rows]
    numbers, versions = selectors.numbers(subject, ids), versions_of(subject, ids)
    rates, after = rates_of(ids, since, until), operations.came_back_after(rows, subject)
    return [
        Line(
            row,
            numbers.get(row.pk, selectors.Numbers()).held,
            deaths.spark(rates.get(row.pk, ())),
            versions.get(row.pk, ()),
            after.get(row.pk),
        )
        for row in rows
    ]


def states_of(subject: Subject, group: FailureGroup) -> Mapping[str, int]:
    """How many of its letters are in each state."""
    return selectors.by_state(subject, [group.pk]).get(group.pk, {})


def versions_of(subject: Subject, ids: Iterable[UUID]) -> Mapping[UUID, tuple[str, ...]]:
    rows = parts_seen(subject).filter(group__in=list(ids)).exclude(version="").order_by("version")
    found: dict[UUID, list[str]] = defaultdict(list)
    for group, version in rows.values_list("group", "version").distinct():
        found[group].append(version)
    return {group: tuple(each) for group, each in found.items()}


def parts_seen(subject: Subject) -> QuerySet[GroupPart]:
    return GroupPart.objects.filter(visible(subject, Permission.SEE, **FIELDS))


def rates_of(ids: Sequence[UUID], since: datetime, until: datetime) -> Mapping[UUID, Sequence[int]]:
    """Deaths of each, in as many parts as its line has points."""
    return selectors.lines(ids, _step(since, until), since, until, deaths.POINTS)


def by_version(group: FailureGroup, since: datetime, until: datetime) -> Mapping[str, Mapping[datetime, int]]:
    """The minute or hour that was under way at the beginning counts."""
    seconds = _step(since, until)
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    for at, version, number in selectors.rates(group, seconds, since - timedelta(seconds=seconds), until):
        found[version][at] = number
    return found


def letters_of(subject: Subject, group: FailureGroup) -> QuerySet[Letter]:
    return seen_by(subject).filter(group=group)


def _step(since: datetime, until: datetime) -> int:
    """Seconds of a minute or of an hour."""
    fine = until - since <= FINE_UP_TO and since > clock.now() - MINUTES_KEPT
    return MINUTE if fine else HOUR
