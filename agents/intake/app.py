"""The intake process as an ASGI application: opens its doors at the start, and closes them after the last commit."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog
from django.conf import settings

from agents.intake import grpc_door, http
from agents.intake.body import Receive
from agents.intake.committer import Committer
from agents.intake.door import Door
from agents.intake.http_parts import Scope, Send
from agents.intake.pulse import Pulse, Work
from agents.intake.trouble import Alarm
from agents.ledger.services import keeping
from agents.registry.services import heartbeats
from agents.spans import services
from core import live_redis, metrics, processes
from core.databases import DEFAULT, TELEMETRY
from core.processes import EVERY

log = structlog.get_logger(__name__)
GRACE_SECONDS = 5
HEARTBEATS = Work("heartbeat", "Heartbeats", DEFAULT, heartbeats.beat)
EVENTS = Work("event", "Events", TELEMETRY, keeping.keep)


class Intake:
    """What lives from the start of the process to its end."""

    def __init__(self) -> None:
        name = processes.default_name()
        telemetry, registry, ledger = Alarm(), Alarm(f"{name} (heartbeats)"), Alarm(f"{name} (events)")
        self._committer = Committer(services.store(), telemetry)
        self._heartbeats, self._events = Pulse(HEARTBEATS, registry), Pulse(EVENTS, ledger)
        alarms = (telemetry, registry, ledger)
        environment = settings.POSTROOM.environment
        self.door = Door(self._committer, self._heartbeats, self._events, alarms, environment)
        self._grpc: Any = None
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._committer.start()
        self._heartbeats.start()
        self._events.start()
        bind = settings.POSTROOM.otlp_grpc_bind
        if bind:
            self._grpc = await grpc_door.serve(self.door, bind)
        self._telling = asyncio.create_task(self._tell())

    async def stop(self) -> None:
        """Answers what was taken. New requests are told to come again."""
        if self._telling:
            self._telling.cancel()
        if self._grpc:
            await self._grpc.stop(GRACE_SECONDS)
        for each in (self._committer, self._heartbeats, self._events):
            each.close()
            await asyncio.to_thread(each.join)

    async def _tell(self) -> None:
        while True:
            metrics.INTAKE_BYTES.set(self.door.admission.bytes)
            with contextlib.suppress(live_redis.Unreachable):
                for alarm in self.door.alarms:
                    await asyncio.to_thread(alarm.tell)
            await asyncio.sleep(EVERY.total_seconds())


class Application:
    """ASGI. A process has one Intake, made when the server says that it starts."""

    def __init__(self) -> None:
        self._intake: Intake | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self._intake:
            await http.handle(self._intake.door, scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._intake = Intake()
        try:
            await self._intake.start()
        except Exception as problem:
            log.exception("intake cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(problem)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._intake.stop()
        await send({"type": "lifespan.shutdown.complete"})


application = Application()
