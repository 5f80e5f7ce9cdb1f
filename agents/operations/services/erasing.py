"""A purge comes to its end: what nobody took back in time is erased, with an entry in the trail."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents.deadletters.services import erasing as custody
from agents.operations.models import Operation, Receipt
from agents.operations.services import who
from core import clock, live_redis
from core.access.audit.api import Action, Target

log = structlog.get_logger(__name__)
PORTION = 200


def erase_due() -> int:
    """Everything whose time is over; returns how many letters were erased. Safe to repeat after a crash."""
    erased = 0
    while due := list(Receipt.objects.filter(until__lte=clock.now()).order_by("until")[:PORTION]):
        erased += _portion(due)
    if erased:
        custody.scrub()
        _rewrite_redis()
        log.info("purged letters were erased", letters=erased)
    return erased


@transaction.atomic
def _portion(due: list[Receipt]) -> int:
    by_operation: dict[UUID, list[UUID]] = defaultdict(list)
    for receipt in due:
        by_operation[receipt.operation_id].append(receipt.letter)
    erased = sum(_of(id, letters) for id, letters in by_operation.items())
    Receipt.objects.filter(pk__in=[receipt.pk for receipt in due]).delete()
    return erased


def _of(id: UUID, letters: list[UUID]) -> int:
    operation = Operation.objects.get(pk=id)
    erased = custody.erase(letters, f"{operation} ended")
    if erased:
        after = {"erased": len(erased)}
        who.POSTROOM.record(Action.LETTERS_ERASED, Target("operation", str(id), str(operation)), after=after)
    return len(erased)


def _rewrite_redis() -> None:
    """Our own Redis keeps every command in a file: it is written anew without those whose keys are gone. A Redis of
    the users' own is theirs to keep."""
    if settings.POSTROOM.redis_url:
        return
    try:
        live_redis.client().bgrewriteaof()
    except Exception as problem:
        # It may be rewriting already; then the next end of a purge asks again.
        log.warning("Redis could not be asked to rewrite its file", problem=str(problem))
