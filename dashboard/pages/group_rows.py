"""Failure groups as pages show them: what is held, the line over time, versions; each read once for a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from agents.deadletters.models import FailureGroup, GroupPart, GroupRate, Letter
from agents.deadletters.selectors import FIELDS, seen_by
from agents.deadletters.values import State, Triage
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


def seen(subject: Subject) -> QuerySet[FailureGroup]:
    """Groups with a death at a place that the subject may see; merged ones are found in the one they went into."""
    rows = FailureGroup.objects.filter(merged_into=None)
    condition = visible(subject, Permission.SEE, **FIELDS)
    if not condition:
        return rows
    return rows.filter(Exists(GroupPart.objects.filter(condition, group=OuterRef("pk"))))


def holding(subject: Subject) -> Q:
    """Groups of which something is held that the subject may see."""
    return Q(Exists(seen_by(subject).filter(group=OuterRef("pk"), state=State.HELD)))


def in_triage(state: Triage) -> Q:
    """As FailureGroup.triage says: `new` again from the moment a mute is over."""
    over = Q(state=Triage.MUTED, muted_until__lte=clock.now())
    if state is Triage.NEW:
        return Q(state=state) | over
    return Q(state=state) & ~over if state is Triage.MUTED else Q(state=state)


def lines(subject: Subject, rows: Sequence[FailureGroup], since: datetime, until: datetime) -> list[Line]:
    ids = [row.pk for row in rows]
    held, versions = held_of(subject, ids), versions_of(subject, ids)
    rates = rates_of(ids, since, until)
    return [
        Line(
            row,
            held.get(row.pk, 0),
            deaths.spark(rates.get(row.pk, {}), since, until),
            versions.get(row.pk, ()),
        )
        for row in rows
    ]


def held_of(subject: Subject, ids: Iterable[UUID]) -> Mapping[UUID, int]:
    rows = seen_by(subject).filter(group__in=list(ids), state=State.HELD).order_by()
    return dict(rows.values_list("group").annotate(number=Count("pk")))


def states_of(subject: Subject, group: FailureGroup) -> Mapping[str, int]:
    """How many of its letters are in each state."""
    rows = seen_by(subject).filter(group=group).order_by()
    return dict(rows.values_list("state").annotate(number=Count("pk")))


def versions_of(subject: Subject, ids: Iterable[UUID]) -> Mapping[UUID, tuple[str, ...]]:
    rows = parts_seen(subject).filter(group__in=list(ids)).exclude(version="").order_by("version")
    found: dict[UUID, list[str]] = defaultdict(list)
    for group, version in rows.values_list("group", "version").distinct():
        found[group].append(version)
    return {group: tuple(each) for group, each in found.items()}


def parts_seen(subject: Subject) -> QuerySet[GroupPart]:
    return GroupPart.objects.filter(visible(subject, Permission.SEE, **FIELDS))


def rates_of(ids: Iterable[UUID], since: datetime, until: datetime) -> Mapping[UUID, Mapping[datetime, int]]:
    """Deaths of each, by minute or hour."""
    rows = _rates(since, until).filter(group__in=list(ids)).order_by()
    found: dict[UUID, dict[datetime, int]] = defaultdict(dict)
    for group, at, number in rows.values_list("group", "at").annotate(number=Sum("deaths")):
        found[group][at] = number
    return found


def by_version(group: FailureGroup, since: datetime, until: datetime) -> Mapping[str, Mapping[datetime, int]]:
    rows = _rates(since, until).filter(group=group).order_by("version", "at")
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    for version, at, number in rows.values_list("version", "at", "deaths"):
        found[version][at] = number
    return found


def letters_of(subject: Subject, group: FailureGroup) -> QuerySet[Letter]:
    return seen_by(subject).filter(group=group)


def _rates(since: datetime, until: datetime) -> QuerySet[GroupRate]:
    seconds = MINUTE if until - since <= FINE_UP_TO else HOUR
    return GroupRate.objects.filter(seconds=seconds, at__gte=since - timedelta(seconds=seconds), at__lt=until)
