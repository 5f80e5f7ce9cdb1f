"""An instance's signs of life: a thread that beats with load and work in flight."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from postroom.errors import PostroomError
from postroom.http import Client, RefusedError

log = logging.getLogger(__name__)

PATH = "/api/v1/heartbeats"
EVERY = 5.0
# Seconds that the last sign of life may take: a stop does not wait for a Postroom that is away.
LAST_WORDS = 2.0


def instance_name(agent_id: str) -> str:
    """A name for this process that no other has at the same time, and that says where it runs."""
    return f"{agent_id}@{socket.gethostname()}:{os.getpid()}"


class Heartbeats:
    """Beats for one instance until it is stopped. A Postroom that is away is told again with the next beat."""

    def __init__(
        self,
        client: Client,
        agent_id: str,
        *,
        instance_id: str = "",
        version: str = "",
        environment: str = "",
        load: Callable[[], float | None] = lambda: None,
        in_flight: Callable[[], int | None] = lambda: None,
        every: float = EVERY,
        before: Callable[[], object] | None = None,
    ) -> None:
        """`before` runs in the thread until it succeeds once: registering, which must not hold up a start."""
        self.instance_id = instance_id or instance_name(agent_id)
        self._client, self._load, self._in_flight, self._every = client, load, in_flight, every
        self._same = {"agent_id": agent_id, "instance_id": self.instance_id}
        self._same |= {"version": version} if version else {}
        self._same |= {"environment": environment} if environment else {}
        self._status, self._before, self._silent_since = "", before, 0.0
        self._end, self._now = Event(), Event()
        self._sending = Lock()
        self._thread: Thread | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="postroom-heartbeats", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Says that this instance takes no messages for now, at once and with each beat."""
        self._say("paused")

    def resume(self) -> None:
        self._say("")

    def stop(self) -> None:
        """The last beat says `stopping`, so that nobody waits for a timeout to know."""
        self._end.set()
        self._say("stopping")
        if self._thread:
            self._thread.join(LAST_WORDS)

    def beat(self) -> None:
        """One beat now. Raises PostroomError."""
        with self._sending:
            self._client.post(PATH, self._what(), probe=True)

    def _what(self) -> dict[str, Any]:
        said: dict[str, Any] = self._same | {"load": _sane(self._load()), "in_flight": self._in_flight()}
        said |= {"status": self._status} if self._status else {}
        return {name: value for name, value in said.items() if value is not None}

    def _say(self, status: str) -> None:
        self._status = status
        self._now.set()

    def _run(self) -> None:
        while True:
            ending = self._end.is_set()
            self._try()
            if ending:
                return
            self._now.wait(self._every)
            self._now.clear()

    def _try(self) -> None:
        try:
            self._first()
            self.beat()
        except PostroomError as problem:
            self._heard_nothing(problem)
        except Exception:
            # `load` is the agent's own code: its mistake must not make the instance look dead for ever.
            log.exception("a heartbeat failed; the next one tries again")
        else:
            self._silent_since = 0.0

    def _first(self) -> None:
        if self._before is not None and not self._end.is_set():
            self._before()
            self._before = None

    def _heard_nothing(self, problem: PostroomError) -> None:
        """Said once per silence: a Postroom that is away for a night fills no log."""
        if not self._silent_since:
            self._silent_since = time.monotonic()
            serious = isinstance(problem, RefusedError)
            log.log(
                logging.ERROR if serious else logging.WARNING, "Postroom hears no heartbeats: %s", problem
            )


def _sane(load: float | None) -> float | None:
    return None if load is None else max(0.0, round(float(load), 4))
