"""Tells workers to hurry. Nothing depends on it: what nobody was told is found by the reaper."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from agents.deadletters.celery import QUEUE, send
from core import live_redis

SEAL, EXECUTE = "operations.seal", "operations.execute"
# More than so many that wait help nobody: workers have enough to do.
ENOUGH = 100


def seal_soon(plan: UUID) -> None:
    """After the commit, a worker goes on with this plan."""
    transaction.on_commit(lambda: send(SEAL, plan))


def execute_soon(operation: UUID, workers: int = 1) -> None:
    """After the commit, so many workers go on with this operation."""
    for _ in range(workers):
        transaction.on_commit(lambda: send(EXECUTE, operation))


def busy() -> bool:
    """Whether so many triggers wait that more would only make the queue longer."""
    try:
        return live_redis.client().llen(QUEUE) >= ENOUGH
    except live_redis.Unreachable:
        return False
