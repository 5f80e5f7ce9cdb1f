"""Raising alerts with the on-call team, without holding the handler up: a thread sends them, a bounded queue waits.

The same trouble is raised once in a while, not once per message; Postroom counts what comes under one key.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, Final

from postroom.errors import Failure, failure_of
from postroom.runtime.api import About, Incoming

logger = logging.getLogger(__name__)

AGAIN_AFTER: Final = 60.0
MOST_WAITING: Final = 1_000
WARNING, CRITICAL = "warning", "critical"


class Alarm:
    """Raises alerts over HTTP where Postroom's address is known; always writes a line to the log."""

    def __init__(self, about: About, url: str = "", token: str = "") -> None:
        self._about, self._url, self._token = about, url.rstrip("/"), token
        self._raised: dict[str, float] = {}
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def unknown_error(self, incoming: Incoming, failure: Failure) -> None:
        """An error that nobody classified."""
        key = f"unknown:{self._about.agent}:{failure.type}"
        title = f"{self._about.agent} met an error that nobody classified: {failure.type}"
        self._raise(key, WARNING, title, incoming.message_id, failure)

    def by_hand(self, message_id: str, error: BaseException | str) -> None:
        """The handler calls the on-call team."""
        failure = failure_of(error, "") if isinstance(error, BaseException) else None
        what = failure.type if failure else str(error)
        title = f"{self._about.agent} calls the on-call team: {failure.message if failure else error}"
        self._raise(f"agent:{self._about.agent}:{what}", CRITICAL, title, message_id, failure)

    def close(self) -> None:
        """Send what waits, for a moment."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._waiting.put(None)
            thread.join(timeout=3)

    def _raise(self, key: str, severity: str, title: str, message_id: str, failure: Failure | None) -> None:
        now = time.monotonic()
        if now - self._raised.get(key, -AGAIN_AFTER) < AGAIN_AFTER:
            return
        self._raised[key] = now
        logger.error("alert (%s): %s; message %s", severity, title, message_id)
        if self._url:
            self._post(self._said(key, severity, title, message_id, failure))

    def _said(
        self, key: str, severity: str, title: str, message_id: str, failure: Failure | None
    ) -> dict[str, Any]:
        said: dict[str, Any] = {
            "agent": self._about.agent,
            "instance": self._about.instance,
            "environment": self._about.environment,
            "severity": severity,
            "title": title[:500],
            "message_id": message_id,
            "key": key[:200],
        }
        if failure:
            said |= {"detail": failure.traceback or failure.message, "error": failure.brief()}
        return said

    def _post(self, said: dict[str, Any]) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="postroom-alerts", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(said)
        except queue.Full:
            logger.error("%d alerts wait to be raised already; this one stands in the log only", MOST_WAITING)

    def _run(self) -> None:
        import httpx

        authorisation = {"Authorization": f"Bearer {self._token}"}
        with httpx.Client(base_url=self._url, headers=authorisation, timeout=5) as client:
            while (said := self._waiting.get()) is not None:
                try:
                    client.post("/api/v1/alerts/raise", json=said).raise_for_status()
                except httpx.HTTPError as problem:
                    logger.error("Postroom did not take the alert %s: %s", said["title"], problem)
