"""A running operation is paused, resumed, cancelled, halted, failed and ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from agents.operations.celery import execute_soon
from agents.operations.models import Item, Operation
from agents.operations.services import starting, steps, who
from agents.operations.services.hands import workers
from agents.operations.values import PERMISSIONS, Action, ItemState, State
from core import clock
from core.access.api import require
from core.access.audit.api import Action as Audited
from core.access.services import Actor
from core.transitions import StaleStateError

PORTION = 5_000
GOING = (State.RUNNING, State.PAUSED, State.HALTED)
# In these what waits will never be sent.
OVER = (State.CANCELLING, State.CANCELLED, State.REJECTED, State.FAILED)


def pause(operation: Operation, actor: Actor) -> Operation:
    _allowed(operation, actor)
    return steps.step(
        operation, [State.RUNNING], State.PAUSED, actor, Audited.OPERATION_PAUSED, said=actor.why
    )


def resume(operation: Operation, actor: Actor) -> Operation:
    """After a halt the ladder begins with its first step: somebody says that the cause is gone."""
    _allowed(operation, actor)
    with transaction.atomic():
        row = Operation.objects.select_for_update().get(pk=operation.pk)
        changes: dict[str, Any] = {"base": asdict(row.tally), "why": ""}
        if row.state == State.HALTED:
            changes |= {"step": 0, "step_at": None}
        before = [State.PAUSED, State.HALTED]
        row = steps.step(
            row, before, State.RUNNING, actor, Audited.OPERATION_RESUMED, said=actor.why, changes=changes
        )
        execute_soon(row.pk, workers(row))
        return row


def cancel(operation: Operation, actor: Actor) -> Operation:
    operation.refresh_from_db()
    if operation.state == State.AWAITING_APPROVAL:
        return starting.withdraw(operation, actor)
    _allowed(operation, actor)
    row = steps.step(operation, GOING, State.CANCELLING, actor, Audited.OPERATION_CANCELLED, said=actor.why)
    untouch(row)
    row = finish(row)
    if row.state == State.CANCELLING and row.waiting:
        execute_soon(row.pk)
    return row


def halt(operation: Operation, why: str) -> Operation | None:
    """A condition holds it up; None when it does not run (any more)."""
    changes = {"why": why[:2_000]}
    try:
        return steps.step(
            operation,
            [State.RUNNING],
            State.HALTED,
            who.POSTROOM,
            Audited.OPERATION_HALTED,
            said=why,
            changes=changes,
        )
    except StaleStateError:
        return None


def fail(operation: Operation, why: str) -> Operation | None:
    """It cannot go on. What waits is untouched; what was sent is still settled, item by item."""
    changes = {"why": why[:2_000], "ended_at": clock.now()}
    try:
        row = steps.step(
            operation,
            [State.RUNNING],
            State.FAILED,
            who.POSTROOM,
            Audited.OPERATION_ENDED,
            said=why,
            changes=changes,
        )
    except StaleStateError:
        return None
    untouch(row)
    return row


@transaction.atomic
def finish(operation: Operation) -> Operation:
    """End it when nothing waits and nothing is under way. Safe to repeat."""
    row = Operation.objects.select_for_update().get(pk=operation.pk)
    tally = row.tally
    if tally.waiting or tally.under_way or row.state not in {State.RUNNING, State.CANCELLING}:
        return row
    end = State.DONE_WITH_UNKNOWN if tally.unknown else State.DONE
    end = State.CANCELLED if row.state == State.CANCELLING else end
    changes = {"ended_at": clock.now()}
    return steps.step(row, [State(row.state)], end, who.POSTROOM, Audited.OPERATION_ENDED, changes=changes)


def improve(operation: Operation) -> Operation:
    """The last unknown was settled after the end: then it is done."""
    row = Operation.objects.get(pk=operation.pk)
    if row.state != State.DONE_WITH_UNKNOWN or row.unknown:
        return row
    said = "the last unknown outcome was settled"
    try:
        return steps.step(
            row, [State.DONE_WITH_UNKNOWN], State.DONE, who.POSTROOM, Audited.OPERATION_ENDED, said=said
        )
    except StaleStateError:
        return row


def untouch(operation: Operation) -> bool:
    """A portion of what waits in an operation that will not send it; True when that was all. Messages that a worker
    was about to move are not among them before somebody looked where they are."""
    with transaction.atomic():
        waiting = Item.objects.filter(plan=operation.plan_id, state=ItemState.WAITING).order_by("ordinal")
        waiting = waiting.exclude(letter=None, number__gt=0)
        if connection.features.has_select_for_update_skip_locked:
            waiting = waiting.select_for_update(skip_locked=True)
        ids = list(waiting.values_list("pk", flat=True)[:PORTION])
        moved = Item.objects.filter(pk__in=ids, state=ItemState.WAITING)
        number = moved.update(state=ItemState.UNTOUCHED, since=clock.now())
        same = Operation.objects.filter(pk=operation.pk, state__in=OVER)
        if number and not same.update(waiting=F("waiting") - number, untouched=F("untouched") + number):
            raise StaleStateError(f"{operation} goes on.")
        steps.hint(operation)
    return number < PORTION


def sweep() -> None:
    """What is over and has waiting members; and what has nothing left to do, or nothing unknown any more, and was not
    told."""
    for operation in Operation.objects.filter(state__in=OVER, waiting__gt=0)[:20]:
        untouch(operation)
    for operation in Operation.objects.filter(
        state__in=[State.RUNNING, State.CANCELLING], waiting=0, claimed=0, dispatched=0
    )[:100]:
        finish(operation)
    for operation in Operation.objects.filter(state=State.DONE_WITH_UNKNOWN, unknown=0)[:100]:
        improve(operation)


def _allowed(operation: Operation, actor: Actor) -> None:
    for place in starting.places(operation.plan):
        require(actor.subject, PERMISSIONS[Action(operation.action)], place)
