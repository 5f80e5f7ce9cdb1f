"""What the workers do for alerts: hand over notices. The rows say what is to be done; a task that gets lost is found
by the next sweep."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from agents.alerts.services import delivering


@shared_task(name="alerts.sweep")
def sweep() -> None:
    """A task for each channel, so that one that is slow holds up no other."""
    for channel in delivering.due():
        deliver.apply_async((str(channel),), expires=30)


@shared_task(name="alerts.deliver")
def deliver(channel: str) -> None:
    delivering.deliver(UUID(channel))
