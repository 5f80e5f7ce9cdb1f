"""Tells workers to hurry. Nothing depends on it: what nobody was told is found by the watcher."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

import structlog
from celery import Celery
from django.conf import settings
from django.db import transaction

from core import redis_url

log = structlog.get_logger(__name__)
QUEUE = "postroom.operations"
MOVE = "letters.move"
# A trigger that nobody took up in this time is sent again by the watcher, and need not be worked off.
EXPIRES_SECONDS = 60
CONNECT_SECONDS = 2.0


def move_soon(move: UUID) -> None:
    """After the commit, a worker goes on with this move of letters between groups."""
    transaction.on_commit(lambda: send(MOVE, move))


def send(task: str, id: UUID) -> None:
    """To a worker, now."""
    try:
        _sender().send_task(
            task, [str(id)], queue=QUEUE, expires=EXPIRES_SECONDS, retry=False, ignore_result=True
        )
    except Exception as problem:
        # Redis away, in whatever way kombu says so: what is to be done is committed, and the watcher asks again.
        log.warning("no worker could be told to hurry", task=task, id=str(id), problem=str(problem))


@lru_cache(maxsize=1)
def _sender() -> Celery:
    app = Celery("postroom.hurry", broker=redis_url.for_celery(settings.REDIS_URL), set_as_current=False)
    app.conf.broker_transport_options = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": CONNECT_SECONDS,
        "max_retries": 0,
    }
    app.conf.broker_connection_timeout = CONNECT_SECONDS
    return app
