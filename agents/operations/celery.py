"""Tells workers to hurry. Nothing depends on it: what nobody was told is found by the reaper."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

import structlog
from celery import Celery
from django.conf import settings
from django.db import transaction

from core import live_redis, redis_url

log = structlog.get_logger(__name__)
QUEUE = "postroom.operations"
SEAL, EXECUTE = "operations.seal", "operations.execute"
# A trigger that nobody took up in this time is sent again by the reaper, and need not be worked off.
EXPIRES_SECONDS = 60
CONNECT_SECONDS = 2.0
# More than so many that wait help nobody: workers have enough to do.
ENOUGH = 100


def seal_soon(plan: UUID) -> None:
    """After the commit, a worker goes on with this plan."""
    transaction.on_commit(lambda: _send(SEAL, plan))


def execute_soon(operation: UUID, workers: int = 1) -> None:
    """After the commit, so many workers go on with this operation."""
    for _ in range(workers):
        transaction.on_commit(lambda: _send(EXECUTE, operation))


def busy() -> bool:
    """Whether so many triggers wait that more would only make the queue longer."""
    try:
        return live_redis.client().llen(QUEUE) >= ENOUGH
    except live_redis.Unreachable:
        return False


def _send(task: str, id: UUID) -> None:
    try:
        _sender().send_task(
            task, [str(id)], queue=QUEUE, expires=EXPIRES_SECONDS, retry=False, ignore_result=True
        )
    except Exception as problem:
        # Redis away, in whatever way kombu says so: the operation is committed, and the reaper asks again.
        log.warning("no worker could be told to hurry", task=task, id=str(id), problem=str(problem))


@lru_cache(maxsize=1)
def _sender() -> Celery:
    app = Celery("postroom.operations", broker=redis_url.for_celery(settings.REDIS_URL), set_as_current=False)
    app.conf.broker_transport_options = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": CONNECT_SECONDS,
        "max_retries": 0,
    }
    app.conf.broker_connection_timeout = CONNECT_SECONDS
    return app
