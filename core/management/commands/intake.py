"""`manage.py intake`: what agents tell us, under Granian."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import logs
from core.processes import Kind
from core.up import ports


class Command(BaseCommand):
    help = (
        "Take spans, logs, heartbeats, events and letters (Granian). One on SQLite, any number on PostgreSQL."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        logs.name_process(Kind.INTAKE)
        serve("core.intake_asgi:application", **_where(), log_dictconfig=settings.LOGGING)


def serve(application: str, **more: Any) -> None:
    """Under Granian, as intake runs. What is measured beside intake stands under the same."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops

    Granian(
        application,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        loop=Loops.asyncio,
        websockets=False,
        workers=1,
        backpressure=2048,
        backlog=2048,
        # A worker that ends ends the process: whoever keeps it starts it again, whole.
        respawn_failed_workers=False,
        workers_kill_timeout=5,
        **more,
    ).serve()


def _where() -> dict[str, Any]:
    """The address of OTLP/HTTP; without one, the socket or port that only web knows."""
    if address := settings.POSTROOM.otlp_http_bind:
        if why := ports.problem(address):
            raise CommandError(
                f"Intake cannot listen on {address}: {why}. POSTROOM_OTLP_HTTP_BIND chooses another."
            )
        return {"address": address.host, "port": address.port}
    return _behind_web(settings.INTAKE_URL)


def _behind_web(url: str) -> dict[str, Any]:
    from urllib.parse import urlsplit

    if url.startswith("unix:"):
        socket = Path(url.removeprefix("unix:"))
        # A killed one leaves its socket behind, and nobody else has business in that folder.
        socket.unlink(missing_ok=True)
        return {"uds": socket, "uds_permissions": 0o600}
    parts = urlsplit(url)
    return {"address": parts.hostname or "127.0.0.1", "port": parts.port or 80}
