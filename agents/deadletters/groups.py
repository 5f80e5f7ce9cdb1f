"""What others ask of failure groups: which there are, what a group is made of, how its figures go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Exists, Func, IntegerField, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.sql.compiler import SQLCompiler

from agents.deadletters.models import (
    FailureGroup,
    GroupChange,
    GroupMove,
    GroupNote,
    GroupPart,
    GroupRate,
    Letter,
)
from agents.deadletters.selectors import FIELDS, seen_by
from agents.deadletters.values import MoveKind, MoveState, State, Triage
from core import clock
from core.access.api import Permission, Subject
from core.access.scoping import visible

NEWEST = ("-last_died_at", "-id")
ORDERS = {"last": NEWEST, "first": ("-first_died_at", "-id"), "deaths": ("-deaths", "-id")}
DIMENSIONS = ("version", "agent", "queue", "workflow")


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which groups. Empty: any. `held`: only those with letters that wait for somebody. `q` is a part of the title."""

    triage: str = ""
    environment: str = ""
    queue: str = ""
    agent: str = ""
    error: str = ""
    q: str = ""
    held: bool = False
    came_back: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many letters are in a group, and how many of them are held: of those that the asker may see."""

    count: int = 0
    held: int = 0


def visible_to(subject: Subject, permission: Permission = Permission.SEE) -> QuerySet[FailureGroup]:
    """Groups of which the subject may see a part, or do this with; without those that were merged into others and whose
    letters are all there."""
    parts = GroupPart.objects.filter(visible(subject, permission, **FIELDS), group=OuterRef("pk"))
    return FailureGroup.objects.filter(Exists(parts), merged_into=None)


def groups(wanted: GroupFilter) -> Q:
    """The filter as a condition."""
    condition = Q(environment=wanted.environment) if wanted.environment else Q()
    if wanted.triage:
        condition &= _triage(Triage(wanted.triage))
    if wanted.queue or wanted.agent:
        named = {name: value for name in ("queue", "agent") if (value := getattr(wanted, name))}
        condition &= Q(Exists(GroupPart.objects.filter(group=OuterRef("pk"), **named)))
    if wanted.error:
        condition &= Q(failure_type__icontains=wanted.error)
    if wanted.q:
        condition &= Q(title__icontains=wanted.q)
    if wanted.held:
        condition &= Q(Exists(Letter.objects.filter(group=OuterRef("pk"), state=State.HELD)))
    if wanted.came_back:
        condition &= Q(came_back__gt=0)
    if wanted.since:
        condition &= Q(last_died_at__gte=wanted.since)
    return condition & Q(first_died_at__lt=wanted.until) if wanted.until else condition


def _triage(state: Triage) -> Q:
    """As `FailureGroup.triage` says it: a mute that is over is none."""
    over = Q(state=Triage.MUTED, muted_until__lte=clock.now())
    if state is Triage.NEW:
        return Q(state=state) | over
    return Q(state=state) & ~over if state is Triage.MUTED else Q(state=state)


def one(subject: Subject, id: UUID) -> FailureGroup | None:
    """The group, or the one that it was merged into."""
    merged = FailureGroup.objects.filter(pk=id).values_list("merged_into", flat=True).first()
    return visible_to(subject).filter(pk=merged or id).first()


def numbers(subject: Subject, ids: Iterable[UUID]) -> dict[UUID, Numbers]:
    """For each group."""
    return {
        group: Numbers(sum(by.values()), by.get(State.HELD, 0))
        for group, by in by_state(subject, list(ids)).items()
    }


def by_state(subject: Subject, ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """How many letters of each group are in each state, of those that the subject may see. Of a group that may be seen
    whole an index tells; only of the others each letter's place is looked at."""
    whole = _seen_whole(subject, ids)
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for rows in (
        Letter.objects.filter(group__in=whole),
        seen_by(subject).filter(group__in=[id for id in ids if id not in whole]),
    ):
        counted = rows.order_by().values_list("group", "state").annotate(number=Count("pk"))
        for group, state, number in counted:
            found[group][state] = number
    return found


def _seen_whole(subject: Subject, ids: Collection[UUID]) -> set[UUID]:
    """Those of which the subject may see every part."""
    seen = visible(subject, Permission.SEE, **FIELDS)
    if seen == Q():
        return set(ids)
    parts = GroupPart.objects.filter(group__in=ids).order_by()
    hidden = set(parts.exclude(seen).values_list("group", flat=True))
    return set(parts.filter(seen).values_list("group", flat=True)) - hidden


def touched(subject: Subject, group: FailureGroup) -> dict[str, list[tuple[str, int]]]:
    """Deaths by version, agent, queue and workflow, the most first."""
    rows = group.parts.filter(visible(subject, Permission.SEE, **FIELDS)).order_by()
    return {
        name: list(rows.values_list(name).annotate(number=Sum("deaths")).order_by("-number", name)[:50])
        for name in DIMENSIONS
    }


def rates(
    group: FailureGroup, seconds: int, since: datetime, until: datetime
) -> list[tuple[datetime, str, int]]:
    """Deaths in each minute (60) or hour (3600) that had any, by version, the oldest first."""
    rows = GroupRate.objects.filter(group=group, seconds=seconds, at__gte=since, at__lt=until)
    return list(rows.order_by("at", "version").values_list("at", "version", "deaths"))


def lines(
    ids: Sequence[UUID], seconds: int, since: datetime, until: datetime, parts: int
) -> dict[UUID, list[int]]:
    """Deaths of several groups in so many equal parts of a time, from minutes (60) or hours (3600): for the small lines
    in a list. What was under way at the beginning counts there."""
    begin = since - timedelta(seconds=seconds)
    rows = GroupRate.objects.filter(group__in=ids, seconds=seconds, at__gt=begin, at__lt=until)
    each = (until - since).total_seconds() / parts
    counted = rows.values_list("group", _Part("at", since, each)).annotate(Sum("deaths")).order_by()
    found: dict[UUID, list[int]] = defaultdict(lambda: [0] * parts)
    for group, place, number in counted:
        found[group][min(max(place, 0), parts - 1)] += number
    return found


class _Part(Func):
    """In which part of a time a moment lies, each of them so many seconds long."""

    output_field = IntegerField()

    def __init__(self, column: str, since: datetime, each: float, **extra: Any) -> None:
        super().__init__(column, Value(since.timestamp()), Value(max(each, 1.0)), **extra)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        moment, since, each = map(compiler.compile, self.source_expressions)
        return self._said(f"FLOOR((EXTRACT(EPOCH FROM {moment[0]}) - %s) / %s)::integer", moment, since, each)

    def as_sqlite(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        moment, since, each = map(compiler.compile, self.source_expressions)
        return self._said(f"CAST((STRFTIME('%%s', {moment[0]}) - %s) / %s AS INTEGER)", moment, since, each)

    @staticmethod
    def _said(sql: str, *compiled: tuple[str, Sequence[Any]]) -> tuple[str, list[Any]]:
        return sql, [value for _, values in compiled for value in values]


def notes_of(group: FailureGroup) -> list[GroupNote]:
    """The last first."""
    return list(group.notes.order_by("-at", "-id"))


def changes_of(group: FailureGroup) -> list[GroupChange]:
    """What was decided, the last first."""
    return list(group.changes.order_by("-pk"))


def moves_seen_by(subject: Subject) -> QuerySet[GroupMove]:
    """Letters on their way between groups of which the subject may see a part, and those that have come."""
    parts = GroupPart.objects.filter(visible(subject, Permission.SEE, **FIELDS))
    seen = Exists(parts.filter(group=OuterRef("source"))) | Exists(parts.filter(group=OuterRef("into")))
    return GroupMove.objects.filter(seen).select_related("source", "into")


def under_way(group: FailureGroup) -> QuerySet[GroupMove]:
    """From this group or into it, in the order in which they are done."""
    rows = GroupMove.objects.filter(Q(source=group.pk) | Q(into=group.pk), state=MoveState.MOVING)
    return rows.select_related("source", "into").order_by("pk")


def merged_here(group: FailureGroup) -> QuerySet[GroupMove]:
    """Merges into this group that can be taken back, the last first."""
    rows = group.moves_in.filter(kind=MoveKind.MERGE).exclude(state=MoveState.UNDONE)
    return rows.select_related("source").order_by("-pk")
