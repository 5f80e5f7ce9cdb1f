"""What the workers do for the registry: health checks, and cards that are no longer fresh."""

from __future__ import annotations

from celery import shared_task

from agents.registry.services.carding import refresh_due
from agents.registry.services.probes import probe_due


@shared_task(name="registry.probe")
def probe() -> None:
    probe_due()


@shared_task(name="registry.refresh_cards")
def refresh_cards() -> None:
    refresh_due()
