"""`manage.py demo`: the demo workload of the agents' library, pointed at this Postroom. Becomes that process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.access import services
from core.brokers import api as brokers

SDK = Path(__file__).resolve().parents[3] / "sdk"


class Command(BaseCommand):
    help = "Fifteen agents of the library at work, with a fault panel (postroom demo), until it is ended."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not SDK.is_dir():
            raise CommandError("The demo comes with the sdk folder, and there is none beside manage.py.")
        os.execve(sys.executable, [sys.executable, "-m", "postroom.demo"], _environ())  # noqa: S606


def _environ() -> dict[str, str]:
    """Where its agents tell and by which token; metrics have no place here. They are no part of this Django: with its
    settings named, Celery would load all of it into each of them."""
    token, broker = services.ensure_demo_token(), brokers.configured()[0]
    ours = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return ours | {
        "POSTROOM_URL": f"http://{settings.POSTROOM.bind}",
        "POSTROOM_TOKEN": token,
        "POSTROOM_BROKER_URL": broker.url,
        "POSTROOM_BROKER_NAME": broker.name,
        "POSTROOM_ENVIRONMENT": settings.POSTROOM.environment,
        "POSTROOM_SPOOL": str(settings.DATA.demo / "spool"),
        "DEMO_FOLDER": str(settings.DATA.demo),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{settings.POSTROOM.otlp_http_bind or settings.POSTROOM.bind}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization={quote(f'Bearer {token}')}",
        "OTEL_METRICS_EXPORTER": "none",
        "PYTHONPATH": str(SDK),
    }
