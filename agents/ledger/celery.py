"""Celery's own event stream on a broker: what workers with `-E` tell whoever listens. Nobody keeps it for us."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from celery import Celery
from kombu import Consumer

from core import redis_url

AT_ONCE = 1_000
PATIENCE_S, MORE_S = 1.0, 0.02
# What RabbitMQ holds for us while we commit; Celery's own 5 s would lose what a slow disk makes wait.
KEEP_SECONDS = 60.0


class CeleryEvents:
    """An open ear."""

    def __init__(self, url: str) -> None:
        app = Celery("postroom.observer", broker=redis_url.for_celery(url), set_as_current=False)
        app.conf.event_queue_ttl = KEEP_SECONDS
        self._connection = app.connection_for_read(connect_timeout=5)
        self._connection.ensure_connection(max_retries=0)
        self._channel = self._connection.channel()
        receiver = app.events.Receiver(self._channel, app=app)
        self._held: list[dict[str, Any]] = []
        self._consumer = Consumer(
            self._channel, [receiver.queue], callbacks=[self._got], no_ack=True, accept=receiver.accept
        )
        self._consumer.consume()
        # Workers answer with a sign of life, so that those who are there show at once.
        receiver.wakeup_workers(channel=self._channel)

    def read(self) -> Sequence[dict[str, Any]]:
        self._held = []
        self._drain(PATIENCE_S)
        while 0 < len(self._held) < AT_ONCE and self._drain(MORE_S):
            pass
        return self._held

    def done(self) -> None:
        """Nothing to say: it was never kept."""

    def close(self) -> None:
        with suppress(Exception):
            self._consumer.cancel()
        self._connection.release()

    def _got(self, body: Any, message: Any) -> None:
        several = body if isinstance(body, list) else [body]
        self._held += [each for each in several if isinstance(each, dict)]

    def _drain(self, seconds: float) -> bool:
        """False when nothing came in that time."""
        try:
            self._connection.drain_events(timeout=seconds)
        except TimeoutError:
            return False
        return True
