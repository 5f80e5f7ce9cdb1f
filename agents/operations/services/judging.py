"""Looks at a running operation: halts it, climbs the ladder, or ends it. After outcomes, and before claims."""

from __future__ import annotations

from django.db import transaction

from agents.operations.celery import execute_soon
from agents.operations.ladder import Around, Standing, halts, step_said
from agents.operations.models import Operation
from agents.operations.services import around, controlling, steps, who
from agents.operations.services.hands import standing_of, workers
from agents.operations.values import State
from core import clock


def judge(operation: Operation) -> Around | None:
    """What is around it when it may go on; None when it may not, or is over."""
    if operation.state != State.RUNNING or not operation.sends:
        return Around() if operation.state == State.RUNNING else None
    seen = around.look(operation)
    standing = standing_of(operation)
    if why := halts(standing, seen):
        controlling.halt(operation, why)
        return None
    if standing.climbed and standing.now.waiting and not _climb(operation, standing):
        return None
    return seen


def follow_up(operation: Operation) -> None:
    """Something was settled: go on, hold up, or end."""
    row = Operation.objects.select_related("plan").get(pk=operation.pk)
    judge(row)
    controlling.improve(controlling.finish(row))


@transaction.atomic
def _climb(operation: Operation, standing: Standing) -> bool:
    """The next step; False when somebody else took it, and then the operation is to be read again."""
    now = clock.now()
    same = Operation.objects.filter(pk=operation.pk, state=State.RUNNING, step=operation.step)
    if not same.update(step=operation.step + 1, step_at=now):
        return False
    began = operation.step_at or operation.started_at or now
    steps.note(operation, step_said(standing, (now - began).total_seconds()), who.POSTROOM)
    operation.step, operation.step_at = operation.step + 1, now
    execute_soon(operation.pk, workers(operation))
    return True
