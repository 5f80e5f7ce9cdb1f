"""Publishing that returns when RabbitMQ has the message, in a queue, on disk; each thread of each process connects
for itself, since a confirmation is waited for."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Final

import amqp
from amqp.exceptions import MessageNacked
from kombu import Connection

from postroom.delivery.api import DeliveryError, UnansweredError
from postroom.delivery.rabbitmq.queues import Declared

logger = logging.getLogger(__name__)
PATIENCE: Final = 30.0
PERSISTENT: Final = 2


class Confirmed:
    """Declares a queue once per connection and publishes to it; a connection that broke is opened anew, once."""

    def __init__(self, url: str, **options: Any) -> None:
        self._url, self._options = url, options
        self._local, self._lock = threading.local(), threading.Lock()
        self._open: list[Connection] = []
        self._pid = os.getpid()

    def publish(self, queue: Declared, body: bytes, *, patience: float = PATIENCE, **properties: Any) -> None:
        """Persistent, mandatory, confirmed within `patience` seconds. Raises DeliveryError."""
        message = amqp.Message(body, delivery_mode=PERSISTENT, **properties)
        try:
            self._twice(lambda channel: _send(channel, queue, message, patience))
        except MessageNacked as problem:
            raise DeliveryError(
                f"RabbitMQ refused the message for {queue.name}: the queue is full"
            ) from problem
        except TimeoutError as problem:
            raise UnansweredError(f"RabbitMQ said nothing in time about {queue.name}") from problem
        except (amqp.AMQPError, OSError) as problem:
            raise DeliveryError(
                f"RabbitMQ did not confirm the message for {queue.name}: {problem}"
            ) from problem

    def _twice(self, step: Callable[[Any], None]) -> None:
        """An open connection may have died since it was used, or a queue that it had declared; a new one declares
        again. What went out twice has the same id. Whoever was kept waiting once is not kept waiting twice."""
        if self._is_open():
            try:
                return self._once(step)
            except (amqp.AMQPError, OSError) as problem:
                if isinstance(problem, TimeoutError):
                    raise
                logger.info("a connection to RabbitMQ is opened anew: %s", problem)
        return self._once(step)

    def _once(self, step: Callable[[Any], None]) -> None:
        try:
            step(self._channel())
        except BaseException:
            self._drop()  # an answer may still be on its way, and would be taken for the next one's
            raise

    def _is_open(self) -> bool:
        return getattr(self._local, "connection", None) is not None and self._local.pid == os.getpid()

    def _channel(self) -> Any:
        connection = self._local.connection if self._is_open() else self._connect()
        return connection.default_channel

    def _connect(self) -> Connection:
        options = {"confirm_publish": True, "read_timeout": PATIENCE, "write_timeout": PATIENCE}
        connection: Connection = Connection(
            self._url, heartbeat=0, connect_timeout=5, transport_options=options, **self._options
        )
        connection.connect()
        channel: Any = connection.default_channel
        channel.postroom_declared = set()
        self._local.connection, self._local.pid = connection, os.getpid()
        with self._lock:
            if self._pid != os.getpid():
                self._open, self._pid = [], os.getpid()
            self._open.append(connection)
        return connection

    def _drop(self) -> None:
        if not self._is_open():
            return
        connection, self._local.connection = self._local.connection, None
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
        _close(connection)

    def close(self) -> None:
        """Let go of this process's connections, of all threads."""
        with self._lock:
            mine, self._open = (self._open if self._pid == os.getpid() else []), []
        self._local = threading.local()
        for connection in mine:
            _close(connection)


def _send(channel: Any, queue: Declared, message: Any, patience: float) -> None:
    if queue.name not in channel.postroom_declared:
        channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=queue.arguments)
        channel.postroom_declared.add(queue.name)
    channel.basic_publish_confirm(message, "", queue.name, mandatory=True, confirm_timeout=patience)


def _close(connection: Connection) -> None:
    try:
        connection.collect(socket_timeout=1)
    except (amqp.AMQPError, OSError):
        return
