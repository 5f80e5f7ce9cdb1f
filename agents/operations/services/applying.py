"""Purge and restore: no broker has a part in them, so a portion is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents.deadletters.values import State as LetterState
from agents.ledger import api as ledger
from agents.operations.models import Item, Operation, Receipt
from agents.operations.outgoing import Outgoing
from agents.operations.services import claiming, controlling, settling, telling
from agents.operations.services.claiming import leave_out, pick
from agents.operations.values import Action, ItemState
from core import clock, crash, hints
from core.among import Listed, among, still_is
from core.crash import Point
from core.transitions import StaleStateError

PORTION = 500
AFTER = {Action.PURGE: LetterState.PURGED, Action.RESTORE: LetterState.HELD}
BEFORE = {Action.PURGE: LetterState.HELD, Action.RESTORE: LetterState.PURGED}
POINTS = {Action.PURGE: Point.PURGE, Action.RESTORE: Point.RESTORE}


def apply(operation: Operation) -> bool:
    """The next portion; False when nothing waits. Raises StaleStateError when it does not run (any more)."""
    action = Action(operation.action)
    with transaction.atomic():
        picked, now = pick(operation, PORTION), clock.now()
        leave_out(picked.left, now)
        letters = [letter for _, letter in picked.taken]
        _move(operation, action, Listed(letter.pk for letter in letters), now)
        ids = [item.pk for item, _ in picked.taken]
        rows = Item.objects.filter(among("pk", ids), still_is("state", ItemState.WAITING))
        if rows.update(state=ItemState.APPLIED, since=now) != len(ids):
            raise StaleStateError("Another worker has these items.")
        left = sum(map(len, picked.left.values()))
        counts = {"waiting": -len(ids) - left, "applied": len(ids), "left_out": left}
        claiming.count(operation, counts, len(ids), None)
        hints.hint("letters")
        untold = telling.note(_events(operation, letters), telling.GRACE) if action is Action.PURGE else None
    telling.tell(untold)
    if not ids and not left:
        controlling.finish(operation)
        return False
    crash.here(POINTS[action])
    return True


def _move(operation: Operation, action: Action, ids: Listed[UUID], now: datetime) -> None:
    before, after = BEFORE[action], AFTER[action]
    settling.move_letters(ids, before, after, operation.by_name, str(operation), now)
    Receipt.objects.filter(among("letter", ids)).delete()
    if action is Action.PURGE:
        until = now + settings.POSTROOM.retention_purged
        Receipt.objects.bulk_create(Receipt(letter=id, operation=operation, until=until) for id in ids)


def _events(operation: Operation, letters: Sequence[Outgoing]) -> list[ledger.Event]:
    """The messages' own lives: thrown away."""
    return [
        ledger.Event(
            id=f"purge-{letter.pk}-{operation.pk}",
            kind=ledger.Kind.PURGED,
            at=clock.now(),
            message_id=letter.message_id,
            environment=letter.environment,
            queue=letter.queue,
            redrive=letter.redrives,
        )
        for letter in letters
        if letter.message_id
    ]
