"""The intake process: agents.intake's application under Granian, with this process's pulse around it."""

from __future__ import annotations

import asyncio
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
from agents.intake.app import application as intake
from core.passing_on import Application, Receive, Scope, Send
from core.processes import Kind
from core.pulse import Pulse
from core.up.parent import die_with_parent


class WithPulse:
    """ASGI: beats from the moment the application has started until it has ended."""

    def __init__(self, application: Application, kind: Kind) -> None:
        self._application, self._pulse = application, Pulse(kind)
        self._beating: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(scope, receive, send)
        return await self._application(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Granian's worker is the grandchild of `up`: it must not outlive its own parent.
        die_with_parent()

        async def told(message: Scope) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._beating = asyncio.create_task(self._pulse.beating())
            await send(message)

        try:
            await self._application(scope, receive, told)
        finally:
            if self._beating:
                self._beating.cancel()
                await asyncio.to_thread(self._pulse.stop)


application = WithPulse(intake, Kind.INTAKE)
