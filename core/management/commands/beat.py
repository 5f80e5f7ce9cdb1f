"""`manage.py beat`: starts what is due."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Put what is due into Postroom's own queue (Celery beat). One is enough."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from core import celery

        celery.tick()
