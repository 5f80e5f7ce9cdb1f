"""Sends hints from any process: at once for the caller, in a thread of its own for Redis.

Waiting hints are a set of names, so a thousand changes of one topic are one hint, and memory is bounded.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading

import structlog

from core import clock
from dashboard.live import ears, limits

log = structlog.get_logger(__name__)


class HintSender:
    """The thread starts with the first hint, and anew in a forked child."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._busy = False
        self._wake = threading.Condition()
        self._pid: int | None = None
        atexit.register(self.drain)

    def send(self, name: str) -> None:
        """Never waits and never fails. The hint is lost when Redis is away."""
        if self._pid != os.getpid():
            self._start()
        with self._wake:
            self._waiting.add(name)
            self._wake.notify_all()

    def drain(self, seconds: float = limits.REDIS_ANSWERS_WITHIN) -> bool:
        """Wait until what waits was sent: a command that ends now would take its hints with it."""
        if self._pid != os.getpid():
            return True
        with self._wake:
            return self._wake.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _start(self) -> None:
        # A fork copies the lock in whatever state it was: the child makes its own.
        self._pid, self._wake, self._waiting = os.getpid(), threading.Condition(), set()
        threading.Thread(target=self._work, name="live-hints", daemon=True).start()

    def _work(self) -> None:
        with asyncio.Runner() as runner:
            while True:
                for name in self._take():
                    runner.run(self._tell(name))
                with self._wake:
                    self._busy = False
                    self._wake.notify_all()

    def _take(self) -> set[str]:
        with self._wake:
            self._wake.wait_for(lambda: bool(self._waiting))
            names, self._waiting, self._busy = self._waiting, set(), True
        return names

    async def _tell(self, name: str) -> None:
        began = clock.monotonic()
        try:
            await ears.tell(name)
        except Exception as problem:
            took = clock.monotonic() - began
            log.debug("a hint is lost", name=name, problem=repr(problem), seconds=round(took, 3))


sender = HintSender()
