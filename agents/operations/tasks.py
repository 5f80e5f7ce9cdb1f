"""What the workers do for operations: seal large plans, and carry operations out."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from agents.operations.services import executing, sealing


@shared_task(name="operations.seal")
def seal(plan: str) -> None:
    sealing.go_on(UUID(plan))


@shared_task(name="operations.execute")
def execute(operation: str) -> None:
    executing.go_on(UUID(operation))
