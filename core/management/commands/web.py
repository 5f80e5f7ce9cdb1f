"""`manage.py web`: pages, API and websockets, under Daphne."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import logs, tracing
from core.processes import Kind
from core.pulse import Pulse
from core.up import ports

# A page that hangs must not hold up the end of the process.
CLOSE_SECONDS = 2
KEEP_ALIVE_SECONDS = 75


class Command(BaseCommand):
    help = "Answer for the console and the API at POSTROOM_BIND (Daphne). Any number may run."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        # First of all: it puts asyncio under Twisted.
        from daphne.endpoints import build_endpoint_description_strings
        from daphne.server import Server

        logs.name_process(Kind.WEB)
        _allow_many_sockets()
        tracing.start(Kind.WEB)
        address = settings.POSTROOM.bind
        if why := ports.problem(address):
            raise CommandError(f"Postroom cannot listen on {address}: {why}. POSTROOM_BIND chooses another.")
        from core.asgi import application

        pulse = Pulse(Kind.WEB)
        tasks: set[asyncio.Task[None]] = set()
        Server(
            application=application,
            endpoints=build_endpoint_description_strings(host=address.host, port=address.port),
            ready_callable=lambda: tasks.add(asyncio.get_event_loop().create_task(pulse.beating())),
            application_close_timeout=CLOSE_SECONDS,
            http_timeout=KEEP_ALIVE_SECONDS,
            server_name="postroom",
            verbosity=0,
        ).run()
        pulse.stop()


def _allow_many_sockets() -> None:
    """Each open console is a file; the usual soft limit of 1,024 is less than one process serves."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
