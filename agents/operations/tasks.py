"""What the workers do for operations: seal large plans, and carry operations out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from celery import shared_task

from agents.operations.services import executing, sealing
from core.database_errors import AWAY

log = structlog.get_logger(__name__)


@shared_task(name="operations.seal")
def seal(plan: str) -> None:
    with _once_the_database_is_back():
        sealing.go_on(UUID(plan))


@shared_task(name="operations.execute")
def execute(operation: str) -> None:
    with _once_the_database_is_back():
        executing.go_on(UUID(operation))


@contextmanager
def _once_the_database_is_back() -> Iterator[None]:
    """It goes on from what is committed, when the reaper asks again."""
    try:
        yield
    except AWAY as problem:
        log.warning("an operation waits for the database", problem=str(problem).partition("\n")[0])
