"""Backpressure by what waits in the queue: a passive declare, on any broker, whoever the recipient is.

It counts messages that wait, not those that are being handled, and all senders' alike. A depth is asked for when the
messages that it left room for have been sent, and again after `STALE` seconds.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Any

from postroom.errors import ConfigurationError, TransientError
from postroom.runtime.api import Outgoing

STALE = 0.25
# Of the room that there is, the part that one process takes before it asks again: others send meanwhile.
SHARE = 4
NOT_FOUND = "404"


class DepthAwayError(TransientError):
    """The broker cannot be asked how deep the queue is. Nothing is sent until it can."""


class DepthRoom:
    """A queue has room while fewer than `most` messages wait in it."""

    def __init__(self, broker_url: str, most: int) -> None:
        if not broker_url:
            raise ConfigurationError(
                "Set POSTROOM_BROKER_URL: the throttle asks the broker how deep a queue is."
            )
        self._url, self._most = broker_url, most
        self._lock = Lock()
        self._connection: Any = None
        # Queue → how many more may be sent, and until when that is taken for true.
        self._left: dict[str, tuple[int, float]] = {}

    def enter(self, outgoing: Outgoing) -> str:
        with self._lock:
            left, until = self._left.get(outgoing.queue, (0, 0.0))
            now = time.monotonic()
            if left <= 0 or now >= until:
                left, until = -(-(self._most - self._depth(outgoing.queue)) // SHARE), now + STALE
            self._left[outgoing.queue] = (left - 1, until)
        return "" if left > 0 else f"{self._most} messages or more wait in {outgoing.queue}."

    def leave(self, sender: str, queue: str, message_id: str) -> None:
        """The broker counts by itself."""

    def close(self) -> None:
        with self._lock:
            if self._connection:
                self._connection.release()
            self._connection = None

    def _depth(self, queue: str) -> int:
        """Messages that wait; a queue that is not there yet has none."""
        connection = self._connect()
        try:
            with connection.channel() as channel:
                return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors as problem:
            # RabbitMQ says it as a number, kombu's own brokers as text.
            if str(getattr(problem, "reply_code", "")) == NOT_FOUND:
                return 0
            raise DepthAwayError(f"{_sentence()} ({problem})") from problem
        except connection.connection_errors as problem:
            self._connection = None
            raise DepthAwayError(f"{_sentence()} ({problem})") from problem

    def _connect(self) -> Any:
        if self._connection is None:
            from kombu import Connection

            from postroom.runtime.brokers import lossless

            # kombu itself does not know the address of a socket.
            self._connection = Connection(lossless(self._url), connect_timeout=3)
        return self._connection


def _sentence() -> str:
    return (DepthAwayError.__doc__ or "").strip()
