"""Members are frozen, portion by portion; then the guards are looked at, and the hash closes it.

Each portion is committed with how far it came, so a dead worker's plan goes on where it was, and two workers cannot
both add the same portion. The hash is taken over what the table holds in the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from agents.deadletters.models import Letter
from agents.operations.models import Item, Plan, PlanPart
from agents.operations.services import evidence, selecting, steps, waiting, who
from agents.operations.values import FLAGS, Action, Flag, ItemState, PlanState
from core import clock, crash
from core.access.api import Subject
from core.crash import Point
from core.transitions import StaleStateError

PORTION = 20_000
# As many ids as are read at once to be hashed.
PAGE = 50_000
# How often a letter may have been redriven before that is worth a warning.
OFTEN = 3
# A worker that was not heard of for this long is taken for dead.
SILENT = timedelta(seconds=30)
PARTS = ("environment", "queue", "agent", "broker", "version")


def go_on(id: UUID) -> None:
    """Seal this plan, or the rest of it. Two at once: the second steps back."""
    plan = Plan.objects.filter(pk=id, state=PlanState.SEALING).first()
    if plan is None:
        return
    subject = who.subject_of(plan)
    if subject is None:
        Plan.objects.filter(pk=id).update(trouble=f"{plan.by_name} is no longer there.")
        return
    try:
        if plan.selection.queue:
            waiting.seal_or_say(plan)
            return
        rows = _flagged(plan, subject)
        while _portion(plan, rows):
            crash.here(Point.SEAL)
        crash.here(Point.SEAL)
        _close(plan, subject)
    except StaleStateError:
        return


def due() -> list[Plan]:
    """Plans that nobody seals: their worker died, or was never told."""
    silent = clock.now() - SILENT
    forgotten = Q(active_at=None, created_at__lt=silent) | Q(active_at__lt=silent)
    return list(Plan.objects.filter(forgotten, state=PlanState.SEALING, trouble="")[:100])


def _flagged(plan: Plan, subject: Subject) -> QuerySet[Letter, Any]:
    """The letters to take, each with the flags that its row alone shows. What was captured since is not among them."""
    rows = selecting.letters(Action(plan.action), plan.selection, subject).filter(
        captured_at__lte=plan.created_at
    )
    return rows.annotate(flags=_flags(plan)).values("id", "flags")


def _flags(plan: Plan) -> Combinable:
    if plan.action != Action.REDRIVE:
        return Value(0)
    often = Case(
        When(redrives__gte=OFTEN, then=int(Flag.REDRIVEN_BEFORE)), default=0, output_field=IntegerField()
    )
    runs = Q(pk__in=())
    for version in evidence.running_versions():
        runs |= Q(environment=version.environment, agent=version.agent, version=version.version)
    return often + Case(When(runs, then=int(Flag.VERSION_RUNS)), default=0, output_field=IntegerField())


@transaction.atomic
def _portion(plan: Plan, rows: QuerySet[Letter, dict[str, object]]) -> bool:
    """Take the next members; False when there are none left. Raises StaleStateError when another worker took them."""
    after = rows.filter(pk__gt=plan.sealed_upto) if plan.sealed_upto else rows
    taken = _insert(plan, after.order_by("pk")[:PORTION])
    if not taken:
        return False
    last = Item.objects.get(plan=plan, state=ItemState.WAITING, ordinal=plan.count + taken).letter
    same = Plan.objects.filter(pk=plan.pk, state=PlanState.SEALING, sealed_upto=plan.sealed_upto)
    if not same.update(sealed_upto=last, count=plan.count + taken, active_at=clock.now()):
        raise StaleStateError(f"Another worker seals {plan.pk}.")
    plan.sealed_upto, plan.count = last, plan.count + taken
    return taken == PORTION


def _insert(plan: Plan, rows: QuerySet[Letter, dict[str, object]]) -> int:
    """From table to table: a million rows need not come here and go back."""
    chosen, given = rows.query.get_compiler(using="default").as_sql()
    table, plan_id = Item._meta.db_table, Item._meta.get_field("plan").get_db_prep_value(plan.pk, connection)
    statement = (
        f"INSERT INTO {table} (plan_id, ordinal, letter, message, state, flags, number, step, grade, why) "  # noqa: S608
        "SELECT %s, %s + ROW_NUMBER() OVER (ORDER BY chosen.id), chosen.id, '', %s, chosen.flags, 0, 0, '', '' "
        f"FROM ({chosen}) chosen ORDER BY chosen.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [plan_id, plan.count, str(ItemState.WAITING), *given])
        return int(cursor.rowcount)


def _close(plan: Plan, subject: Subject) -> None:
    """Everything that is said of the members, and the hash over them, in the transaction that makes it sealed."""
    parts = _parts(plan)
    found = evidence.gather(plan, parts, subject)
    sha256 = digest(plan)
    with transaction.atomic():
        _put_flags(plan, found.flags)
        changes = {
            "sha256": sha256,
            "sealed_at": clock.now(),
            "active_at": clock.now(),
            "guards": [guard.dump() for guard in found.guards],
            "reach": found.reach.dump(),
            "needs_approval": found.needs_approval,
            "flagged": {str(flags): number for flags, number in evidence.flagged(plan).items()},
        }
        PlanPart.objects.bulk_create(parts)
        steps.move_plan(plan, PlanState.SEALING, PlanState.SEALED, plan.by_name, changes)


def _parts(plan: Plan) -> list[PlanPart]:
    members = Item.objects.filter(plan=plan, state=ItemState.WAITING).values("letter")
    rows = Letter.objects.filter(pk__in=members).order_by().values(*PARTS).annotate(count=Count("pk"))
    return [PlanPart(plan=plan, **row) for row in rows]


def _put_flags(plan: Plan, flags: dict[UUID, int]) -> None:
    """What was found by looking into letters one by one."""
    waiting = Item.objects.filter(plan=plan, state=ItemState.WAITING)
    for flag in set(flags.values()):
        bearers = [letter for letter, found in flags.items() if found == flag]
        waiting.filter(letter__in=bearers).update(flags=_or(flag))


def _or(flag: int) -> Combinable:
    from django.db.models import F

    return F("flags").bitor(flag)


def left_out(plan: Plan, kinds: set[str] | frozenset[str]) -> int:
    """How many members bear one of these guards' flags."""
    mask = sum(flag for kind, flag in FLAGS.items() if kind in kinds)
    return sum(number for flags, number in plan.flagged.items() if int(flags) & mask)


def digest(plan: Plan) -> str:
    """SHA-256 over the action, the options and the members in their order, as anybody can take it again from the API:
    one line of JSON with sorted keys, then each letter's id on a line of its own."""
    head = msgspec.json.encode({"action": plan.action, "options": plan.options}, order="sorted")
    whole = hashlib.sha256(head + b"\n")
    for page in _members(plan):
        whole.update("".join(f"{UUID(str(letter))}\n" for letter in page).encode())
    return whole.hexdigest()


def _members(plan: Plan) -> Iterator[list[object]]:
    """The letters' ids in the order of the plan, whatever state each is in by now."""
    plan_id = Item._meta.get_field("plan").get_db_prep_value(plan.pk, connection)
    statement = (
        f"SELECT letter FROM {Item._meta.db_table} WHERE plan_id = %s AND ordinal > %s AND ordinal <= %s "  # noqa: S608
        "ORDER BY ordinal"
    )
    for start in range(0, plan.count, PAGE):
        with connection.cursor() as cursor:
            cursor.execute(statement, [plan_id, start, start + PAGE])
            yield [row[0] for row in cursor.fetchall()]
