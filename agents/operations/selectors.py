"""What others ask of operations: plans and operations within what they may see, members by state, the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from agents.deadletters.models import FailureGroup, Letter
from agents.operations.errors import SelectionRefusedError
from agents.operations.models import Item, Operation, OperationChange, Plan, PlanPart, Receipt, Sample
from agents.operations.services import sealing, selecting, who
from agents.operations.values import OPEN, Action, GuardKind, ItemState, PlanState, State
from core import clock
from core.access.api import Permission, Subject
from core.access.scoping import visible

FIELDS = {"environment": "environment", "queue": "queue", "agent": "agent"}
NEWEST = ("-created_at", "-id")
# More late arrivals than this are said to be "more than".
MOST_LATE = 10_000
# By how much a letter's own clock may be behind ours and it still counts as having arrived late.
SLACK = timedelta(days=1)


def plans_seen_by(subject: Subject) -> QuerySet[Plan]:
    """Plans that one asked for oneself, and those with a member at a place that one sees."""
    mine = Q(by_kind=str(subject.kind), by_id=subject.id)
    seen = visible(subject, Permission.SEE, **FIELDS)
    if not seen:
        return Plan.objects.all()
    return Plan.objects.filter(mine | Exists(PlanPart.objects.filter(seen, plan=OuterRef("pk"))))


def plan(subject: Subject, id: UUID) -> Plan | None:
    return plans_seen_by(subject).filter(pk=id).first()


def late(plan: Plan) -> int:
    """How many letters came since that the plan would take, were it made now (MOST_LATE + 1: more than that)."""
    if plan.state == PlanState.SEALING or plan.selection.ids or plan.selection.receipt:
        return 0
    subject = who.subject_of(plan)
    if subject is None:
        return 0
    try:
        rows = selecting.letters(Action(plan.action), plan.selection, subject)
    except SelectionRefusedError:
        return 0
    came = rows.filter(since__gt=plan.created_at, last_died_at__gt=plan.created_at - SLACK)
    return len(came.order_by().values_list("pk")[: MOST_LATE + 1])


def left_out(plan: Plan, kinds: Sequence[GuardKind]) -> int:
    """How many members would be left out for these guards."""
    return sealing.left_out(plan, frozenset(str(kind) for kind in kinds))


def seen_by(subject: Subject) -> QuerySet[Operation]:
    """Operations that one started oneself, and those with a member at a place that one sees."""
    mine = Q(by_kind=str(subject.kind), by_id=subject.id)
    seen = visible(subject, Permission.SEE, **FIELDS)
    if not seen:
        return Operation.objects.select_related("plan")
    parts = PlanPart.objects.filter(seen, plan=OuterRef("plan"))
    return Operation.objects.select_related("plan").filter(mine | Exists(parts))


def one(subject: Subject, id: UUID) -> Operation | None:
    return seen_by(subject).filter(pk=id).first()


def open_(subject: Subject, limit: int) -> list[Operation]:
    """What goes on, or is held up, the newest first."""
    return list(seen_by(subject).filter(state__in=OPEN).order_by(*NEWEST)[:limit])


def of_letter(letter: UUID) -> QuerySet[Item]:
    """What operations did with it, the last first."""
    return (
        Item.objects.filter(letter=letter, plan__operation__isnull=False)
        .select_related("plan__operation")
        .order_by("-pk")
    )


def came_back_after(groups: Iterable[FailureGroup], subject: Subject) -> dict[UUID, Operation]:
    """The operation after whose redrive each group last came back, by the group; without those one may not see."""
    last = {group.came_back_letter: group for group in groups if group.came_back_letter}
    items = Item.objects.filter(letter__in=last, plan__operation__isnull=False).only(
        "letter", "number", "plan"
    )
    plans = {
        item.plan_id: group.pk
        for item in items
        if item.letter and (group := last[item.letter]).came_back_redrive == item.number
    }
    return {plans[row.plan_id]: row for row in seen_by(subject).filter(plan__in=plans)}


def items(operation: Operation, state: ItemState | None = None) -> QuerySet[Item]:
    """Its members, by state and then in the order of the plan: page by (state, ordinal)."""
    rows = Item.objects.filter(plan=operation.plan_id)
    rows = rows.filter(state=state) if state else rows
    return rows.order_by("state", "ordinal")


def members(plan: Plan) -> QuerySet[Item]:
    """A plan's members in its order; page by (state, ordinal)."""
    return Item.objects.filter(plan=plan).order_by("state", "ordinal")


def letters_of(items: Sequence[Item], subject: Subject) -> dict[UUID, Letter]:
    """The letters of these items that the subject may see."""
    wanted = [item.letter for item in items if item.letter]
    rows = Letter.objects.filter(visible(subject, Permission.SEE, **FIELDS), pk__in=wanted)
    return {row.pk: row for row in rows}


def timeline(operation: Operation) -> list[OperationChange]:
    """Who did what, when; the last first."""
    return list(operation.changes.order_by("-pk"))


def samples(operation: Operation) -> list[Sample]:
    """Its figures over time, the first first."""
    return list(operation.samples.order_by("at"))


def restorable_until(operation: Operation) -> Receipt | None:
    """Of a purge: the first of what can still be taken back to end; None when nothing can."""
    return operation.receipts.order_by("until").first()


def halted() -> QuerySet[Operation]:
    """For rules: what is held up."""
    return Operation.objects.filter(state=State.HALTED)


def waiting_for_approval() -> QuerySet[Operation]:
    return Operation.objects.filter(state=State.AWAITING_APPROVAL)


def ended_since(moment_ago: timedelta) -> QuerySet[Operation]:
    return Operation.objects.filter(ended_at__gte=clock.now() - moment_ago)


def open_by_state() -> list[tuple[str, str, int]]:
    """How many are not over, by action and state, whoever may see them."""
    rows = Operation.objects.filter(state__in=OPEN).order_by().values_list("action", "state")
    return list(rows.annotate(number=Count("pk")))
