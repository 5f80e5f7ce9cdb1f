"""Outcomes that a person settles, because no evidence does."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID

from django.db import transaction

from agents.deadletters.models import Letter
from agents.operations.models import Item, Operation
from agents.operations.services import settling, steps
from agents.operations.services.settling import Outcome
from agents.operations.values import Grade, ItemState, Verdict
from core.access.api import Permission, require
from core.access.audit.api import Action as Audited
from core.access.services import Actor

PORTION = 500
TO = {Verdict.PROCESSED: ItemState.PROCESSED, Verdict.FAILED: ItemState.FAILED_NEW}


def settle(
    operation: Operation, verdict: Verdict, actor: Actor, letters: Collection[UUID] | None = None
) -> int:
    """See `agents.operations.api.settle`."""
    return sum(_portion(operation, verdict, actor, some) for some in _unknown(operation, letters))


def _unknown(operation: Operation, letters: Collection[UUID] | None) -> Iterator[list[Item]]:
    rows = Item.objects.filter(plan=operation.plan_id, state=ItemState.UNKNOWN).order_by("ordinal")
    if letters is not None:
        rows = rows.filter(letter__in=letters)
    last = 0
    while some := list(rows.filter(ordinal__gt=last)[:PORTION]):
        last = some[-1].ordinal
        yield some


def _portion(operation: Operation, verdict: Verdict, actor: Actor, items: list[Item]) -> int:
    ids = [item.letter for item in items if item.letter]
    for letter in Letter.objects.filter(pk__in=ids):
        require(actor.subject, Permission.SETTLE, letter.place)
    said = f"{actor.subject.name} says: {verdict}"
    with transaction.atomic():
        outcomes = [
            Outcome(item.letter, item.number, TO[verdict], Grade.HAND, said, actor.subject.name)
            for item in items
            if item.letter
        ]
        moved = settling.settle(outcomes)
        after = {"verdict": str(verdict), "number": moved, "letters": [str(id) for id in ids]}
        steps.note(operation, f"{moved} settled by hand as {verdict}", actor)
        actor.record(Audited.OPERATION_SETTLED, steps.target(operation), after=after)
    return moved
