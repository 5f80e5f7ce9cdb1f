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

SDK = Path(__file__).resolve().parents[3] / "sdk"


class Command(BaseCommand):
    help = "Send what fifteen agents do, with OpenTelemetry's own exporters, until it is ended."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        bind = settings.POSTROOM.otlp_http_bind or settings.POSTROOM.bind
        if not SDK.is_dir():
            raise CommandError("The demo comes with the sdk folder, and there is none beside manage.py.")
        token = quote(f"Bearer {services.ensure_ingest_token()}")
        environ = os.environ | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{bind}",
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization={token}",
            "PYTHONPATH": str(SDK),
        }
        os.execve(sys.executable, [sys.executable, "-m", "postroom.demo"], environ)  # noqa: S606
