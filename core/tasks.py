"""What the workers do for the whole house."""

from __future__ import annotations

from celery import shared_task

from core import retention


@shared_task(name="core.retention")
def run_retention() -> None:
    """Every room removes what has expired; what fails is in the log and tried again tomorrow."""
    for _outcome in retention.run():
        pass
