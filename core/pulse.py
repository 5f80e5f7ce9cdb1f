"""Keeps a process's heart beating: a beat and the process's own metrics to Redis every two seconds."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import structlog

from core import live_redis, metrics, processes
from core.processes import EVERY, Kind

log = structlog.get_logger(__name__)


class Pulse:
    """Beats until it is stopped. Redis away is said once, and once when it is back."""

    def __init__(self, kind: Kind, name: str = "") -> None:
        self.kind, self.name = kind, name
        self._heard = True
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Pulse:
        """In a thread of its own, for processes without an event loop."""
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """The process ends because it was asked to: nobody shall call it down."""
        self._stopping.set()
        if self._thread:
            self._thread.join(timeout=live_redis.ANSWER_SECONDS)
        with contextlib.suppress(live_redis.Unreachable):
            processes.farewell(self.kind, self.name)
            metrics.withdraw(self.kind, self.name)

    async def beating(self) -> None:
        """As a task of an event loop: a loop that hangs does not beat."""
        while True:
            await asyncio.to_thread(self.once)
            await asyncio.sleep(EVERY.total_seconds())

    def once(self) -> None:
        try:
            processes.beat(self.kind, self.name)
            metrics.publish(self.kind, self.name)
        except live_redis.Unreachable as problem:
            self._say(heard=False, problem=str(problem))
        else:
            self._say(heard=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.once()
            self._stopping.wait(EVERY.total_seconds())

    def _say(self, *, heard: bool, problem: str = "") -> None:
        if heard == self._heard:
            return
        self._heard = heard
        if heard:
            log.info("Redis is back")
        else:
            metrics.REDIS_ERRORS.inc()
            log.warning("Redis cannot be reached", problem=problem)
