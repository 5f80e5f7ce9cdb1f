"""What the workers do for custody: letters go from one group to another."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task

from agents.deadletters.services import moving
from core.database_errors import AWAY

log = structlog.get_logger(__name__)


@shared_task(name="letters.move")
def move(id: str) -> None:
    try:
        moving.go_on(UUID(id))
    except AWAY as problem:
        # It goes on from what is committed, when the watcher asks again.
        log.warning("a move waits for the database", problem=str(problem).partition("\n")[0])
