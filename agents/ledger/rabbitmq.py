"""`postroom.events` on RabbitMQ: a quorum queue, acknowledged up to what is committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kombu import Connection, Consumer, Queue

NAME = "postroom.events"
ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
AT_ONCE = 1_000
# How long more is waited for while something is there to be committed.
PATIENCE_S, MORE_S = 1.0, 0.02


class RabbitEvents:
    """An open queue. It is declared by whoever comes first, an agent or we."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url, connect_timeout=5, heartbeat=20)
        self._connection.connect()
        self._channel = self._connection.channel()
        self._held: list[bytes] = []
        self._last: Any = None
        self._consume()

    def read(self) -> Sequence[bytes]:
        self._held = []
        self._drain(PATIENCE_S)
        while self._held and len(self._held) < AT_ONCE and self._drain(MORE_S):
            pass
        return self._held

    def done(self) -> None:
        self._channel.basic_ack(self._last, multiple=True)

    def close(self) -> None:
        self._connection.release()

    def _consume(self) -> None:
        queue = Queue(NAME, durable=True, queue_arguments=ARGUMENTS)(self._channel)
        queue.queue_declare()
        self._channel.basic_qos(0, 2 * AT_ONCE, False)
        consumer = Consumer(self._channel, [queue], on_message=self._got, auto_declare=False)
        consumer.consume()

    def _got(self, message: Any) -> None:
        body = message.body
        self._held.append(body.encode() if isinstance(body, str) else bytes(body))
        self._last = message.delivery_tag

    def _drain(self, seconds: float) -> bool:
        """False when nothing came in that time."""
        self._connection.heartbeat_check()
        try:
            self._connection.drain_events(timeout=seconds)
        except TimeoutError:
            return False
        return True
