"""Groups are merged and split by hand: letters move, and the deaths that come later follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q

from agents.deadletters.models import (
    Death,
    FailureGroup,
    GroupAlias,
    GroupChange,
    GroupPart,
    GroupRate,
    GroupSplit,
    Letter,
)
from agents.deadletters.services.grouping import FIELDS, STEPS, TOPIC, floor
from agents.deadletters.services.triage import TriageError, target
from agents.deadletters.values import Triage
from core import clock, hints, ids
from core.access.api import Permission, Place, require
from core.access.audit.api import Action
from core.access.services import Actor

MOST_IDS = 10_000


@transaction.atomic
def merge(into: FailureGroup, others: Sequence[FailureGroup], actor: Actor) -> FailureGroup:
    """All letters belong to `into` from now on, also those that die later. Raises TriageError and
    PermissionRefusedError."""
    locked = _locked({into.pk, *(each.pk for each in others)}, actor)
    if not others or any(each.pk == into.pk for each in others):
        raise TriageError("groups", "Name other groups than the one that they are merged into.")
    if len({(each.environment, each.merged_into_id) for each in locked.values()}) != 1:
        raise TriageError("groups", "Groups of one environment can be merged, and each only once.")
    sources = [each.pk for each in others]
    Letter.objects.filter(group__in=sources).update(group=into.pk)
    GroupAlias.objects.filter(group__in=sources).update(group=into.pk)
    GroupSplit.objects.filter(group__in=sources).update(group=into.pk)
    GroupSplit.objects.filter(into__in=sources).update(into=into.pk)
    GroupSplit.objects.filter(group=F("into")).delete()
    FailureGroup.objects.filter(merged_into__in=sources).update(merged_into=into.pk)
    FailureGroup.objects.filter(pk__in=sources).update(merged_into=into.pk)
    _recount(into.pk)
    names = ", ".join(each.title[:80] for each in others)
    _changed(into, actor, f"merged with {names}")
    actor.record(Action.GROUPS_MERGED, target(into), after={"merged": [str(id) for id in sources]})
    hints.hint(TOPIC)
    into.refresh_from_db()
    return into


@transaction.atomic
def split(
    group: FailureGroup, actor: Actor, *, field: str = "", value: str = "", letters: Collection[UUID] = ()
) -> FailureGroup:
    """A new group of those letters that bear this value of a field, or of these letters. Later deaths with that value
    follow; a letter that dies again as it did before stays where it is. Raises TriageError, PermissionRefusedError."""
    _locked({group.pk}, actor)
    chosen = _chosen(field, value, letters)
    first = Letter.objects.filter(chosen, group=group.pk).order_by("first_died_at").first()
    if first is None:
        raise TriageError("letters" if letters else "value", "No letter of the group is meant by this.")
    if not Letter.objects.filter(group=group.pk).exclude(chosen).exists():
        raise TriageError("letters" if letters else "value", "Every letter of the group is meant by this.")
    now = clock.now()
    new = _apart(group, first, (field and f"{field} {value}") or f"{len(letters)} letters", now)
    if field:
        by = actor.subject.name
        GroupSplit.objects.create(group=group, field=field, value=value, into=new, at=now, by=by, done=True)
    Letter.objects.filter(chosen, group=group.pk).update(group=new)
    for each in (group, new):
        _recount(each.pk)
    _changed(group, actor, f"{new.title[-120:]} was split off")
    what = {"field": field, "value": value} if field else {"letters": sorted(map(str, letters))}
    actor.record(Action.GROUP_SPLIT, target(group), after={"into": str(new.pk), **what})
    hints.hint(TOPIC)
    new.refresh_from_db()
    return new


def _locked(wanted: Collection[UUID], actor: Actor) -> dict[UUID, FailureGroup]:
    rows = FailureGroup.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    found = {row.pk: row for row in rows}
    for row in found.values():
        # What is merged or split as a whole is triaged as a whole.
        for part in row.parts.all():
            require(actor.subject, Permission.TRIAGE, Place(part.environment, part.queue, part.agent))
    return found


def _chosen(field: str, value: str, letters: Collection[UUID]) -> Q:
    if bool(field) == bool(letters):
        raise TriageError("field", "Name either a field with its value, or letters.")
    if letters and len(letters) > MOST_IDS:
        raise TriageError("letters", f"At most {MOST_IDS:,} letters; split by the value of a field.")
    if field and field not in FIELDS:
        raise TriageError("field", f"A group is split by one of {', '.join(FIELDS)}.")
    return Q(**{field: value}) if field else Q(pk__in=letters)


def _apart(group: FailureGroup, first: Letter, by: str, now: datetime) -> FailureGroup:
    new = FailureGroup(
        id=ids.new(),
        environment=group.environment,
        queue=first.queue,
        agent=first.agent,
        # Deaths find it by the split, not by a fingerprint of its own.
        fingerprint=group.fingerprint,
        title=f"{group.title[:380]} · {by[:110]}",
        failure_type=first.failure_type,
        failure_message=first.failure_message,
        formed=group.formed | {"split": by, "from": str(group.pk)},
        first_died_at=first.first_died_at,
        last_died_at=first.last_died_at,
        since=now,
    )
    new.save(force_insert=True)
    return new


def _changed(group: FailureGroup, actor: Actor, reason: str) -> None:
    by = actor.subject.name
    state = Triage(group.state)
    GroupChange.objects.create(
        group=group, before=state, after=state, at=clock.now(), by=by, reason=reason[:2_000]
    )


def _recount(id: UUID) -> None:
    """The figures of a group from the deaths of its letters."""
    deaths = Death.objects.filter(letter__group=id).order_by()
    names = ("letter__queue", "letter__agent", "version", "letter__workflow", "letter__environment")
    figures = {"number": Count("pk"), "first": Min("died_at"), "last": Max("died_at")}
    GroupPart.objects.filter(group=id).delete()
    GroupPart.objects.bulk_create(
        GroupPart(
            group_id=id,
            queue=queue,
            agent=agent,
            version=version,
            workflow=workflow,
            environment=environment,
            deaths=number,
            first_died_at=first,
            last_died_at=last,
        )
        for queue, agent, version, workflow, environment, number, first, last in deaths.values_list(
            *names
        ).annotate(**figures)
    )
    _recount_rates(id)
    whole = deaths.aggregate(**figures)
    changes = {"deaths": whole["number"]}
    if whole["number"]:
        changes |= {"first_died_at": whole["first"], "last_died_at": whole["last"]}
    FailureGroup.objects.filter(pk=id).update(**changes)


def _recount_rates(id: UUID) -> None:
    found: dict[tuple[int, datetime, str], int] = defaultdict(int)
    for at, version in Death.objects.filter(letter__group=id).values_list("died_at", "version").iterator():
        for seconds in STEPS:
            found[seconds, floor(at, seconds), version] += 1
    GroupRate.objects.filter(group=id).delete()
    GroupRate.objects.bulk_create(
        (
            GroupRate(group_id=id, seconds=seconds, at=at, version=version, deaths=number)
            for (seconds, at, version), number in found.items()
        ),
        batch_size=500,
    )
