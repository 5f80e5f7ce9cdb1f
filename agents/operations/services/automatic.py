"""Redrives that start by themselves, where a policy says so: ordinary operations, in the policy's name.

A policy has one operation at a time, and the ladder and the conditions that every redrive has: what fails the same way
again halts, and waits for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Sum

from agents.deadletters import selectors as custody
from agents.deadletters.values import FailureClass
from agents.deadletters.values import State as LetterState
from agents.operations.errors import OperationError
from agents.operations.models import Operation, RedrivePolicy
from agents.operations.options import Options
from agents.operations.services import planning, starting, who
from agents.operations.values import OPEN, Action, Selection
from core import clock
from core.access.api import Permission
from core.access.services import Actor

log = structlog.get_logger(__name__)
# One plan is sealed at once while it is small; the next look takes the rest.
MOST = 500
HOUR = timedelta(hours=1)


def look() -> int:
    """What every policy that is switched on finds due is redriven; how many operations started."""
    return sum(_look(policy) for policy in RedrivePolicy.objects.filter(enabled=True).order_by("pk"))


def _look(policy: RedrivePolicy) -> bool:
    said, started = _go(policy)
    RedrivePolicy.objects.filter(pk=policy.pk).update(checked_at=clock.now(), said=said)
    return started


def _go(policy: RedrivePolicy) -> tuple[str, bool]:
    """What it did or why it waits, and whether anything started."""
    open_ = Operation.objects.filter(policy=policy, state__in=OPEN).first()
    if open_:
        return f"{open_} is {open_.state.replace('_', ' ')}", False
    left = policy.budget - _spent(policy)
    if left <= 0:
        return f"its {policy.budget:,} letters of this hour are spent", False
    due = _due(policy, min(left, MOST))
    if not due:
        return "nothing is due", False
    return _start(policy, due)


def _start(policy: RedrivePolicy, due: Sequence[UUID]) -> tuple[str, bool]:
    actor = Actor(who.of_policy(policy), "policy", policy.note)
    options = Options(rate=policy.rate, follow=policy.rate is None)
    try:
        plan = planning.plan(Action.REDRIVE, Selection(ids=tuple(due)), options, actor)
        operation = starting.start(plan, f"policy {policy.name}", actor, policy=policy)
    except OperationError as problem:
        log.warning("a policy could not redrive", policy=policy.name, problem=str(problem))
        return str(problem), False
    return f"started {operation} of {operation.selected:,} letters", True


def _spent(policy: RedrivePolicy) -> int:
    lately = Operation.objects.filter(policy=policy, created_at__gte=clock.now() - HOUR)
    return lately.aggregate(all=Sum("selected"))["all"] or 0


def _due(policy: RedrivePolicy, most: int) -> list[UUID]:
    """Transient ones that have rested long enough and were not redriven too often, the oldest first."""
    rows = custody.seen_by(who.of_policy(policy), Permission.REDRIVE).filter(
        state=LetterState.HELD,
        failure_class=FailureClass.TRANSIENT,
        last_died_at__lte=clock.now() - timedelta(seconds=policy.delay_s),
        redrives__lt=policy.at_most,
    )
    if policy.error:
        rows = rows.filter(failure_type__icontains=policy.error)
    return list(rows.order_by("last_died_at", "pk").values_list("pk", flat=True)[:most])
