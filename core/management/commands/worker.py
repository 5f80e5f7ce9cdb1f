"""`manage.py worker`: operations, probes, notifications, retention."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Do the work that waits in Postroom's own queue (Celery). Any number may run."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from core import celery

        celery.work()
