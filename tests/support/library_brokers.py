"""A broker as a test sees it: the same few words for Redis and for RabbitMQ."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
from kombu import Connection, Queue

import postroom.delivery.transport  # noqa: F401  makes the address known
from postroom.delivery.api import Delivery, Done, Settlement, Settler
from postroom.delivery.message import whole
from postroom.delivery.rabbitmq import queues
from postroom.delivery.rabbitmq.settler import RabbitSettler
from postroom.delivery.received import delivery_of
from postroom.delivery.redis import keys
from postroom.delivery.redis.settler import RedisSettler
from tests.support.waiting import until

QUORUM = {"x-queue-type": "quorum"}
# Long enough for a busy machine, short enough to see a claim run out.
QUICK = {"claim_seconds": 2.0, "sweep_seconds": 0.1}


@dataclass
class Taken:
    """A delivery, and the message that it handed over."""

    delivery: Delivery
    message: Any

    @property
    def body(self) -> Any:
        return self.message.payload


@dataclass
class Broker:
    """Sends, takes and settles; looks at what the settlements left."""

    url: str
    settler: Settler
    connection: Connection
    recorded: list[Done] = field(default_factory=list)
    _waiting: list[Taken] = field(default_factory=list)

    @property
    def is_redis(self) -> bool:
        return "amqp" not in self.url

    def queue(self, name: str) -> Any:
        return Queue(name, routing_key=name, queue_arguments=None if self.is_redis else QUORUM)

    def send(self, name: str, body: object, **properties: Any) -> None:
        self.connection.Producer().publish(
            body, routing_key=name, declare=[self.queue(name)], retry=False, **properties
        )

    def take(self, name: str) -> Taken | None:
        """What is there now."""
        queue = self.queue(name)(self.connection.default_channel)
        queue.declare()
        message = queue.get(no_ack=False)
        if message is None:
            return None
        delivery = delivery_of(str(message.payload), message.properties, message.delivery_info)
        return Taken(delivery, message)

    def get(self, name: str, seconds: float = 10) -> Taken:
        """What is there, or comes soon."""
        until(lambda: self._arrived(name), f"a message in {name}", seconds)
        return self._waiting.pop()

    def _arrived(self, name: str) -> bool:
        taken = self.take(name)
        self._waiting += [taken] if taken else []
        return bool(taken)

    def settle(self, taken: Taken, settlement: Settlement) -> None:
        """As the handler loop does it: settle, then acknowledge what the settlement did not."""
        self.settler.settle(taken.delivery, settlement)
        taken.message.ack()

    def retried(self, taken: Taken) -> dict[str, object]:
        """The message to send again."""
        message = taken.message
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        return whole(
            body,
            headers={"attempt": 2},
            properties={"correlation_id": "c-1"},
            content_type=message.content_type,
            content_encoding=message.content_encoding,
        )

    def events(self) -> list[Any]:
        return self._kept(keys.EVENTS, b"e")

    def letters(self) -> list[Any]:
        return self._kept(keys.LETTERS, b"l")

    def done(self, key: str) -> bytes | None:
        """The idempotency record, where the settlement wrote it."""
        if self.is_redis:
            with redis.Redis.from_url(self.url) as client:
                return client.get(key)
        return next((done.result for done in self.recorded if done.key == key), None)

    def cut(self) -> None:
        """The broker loses the settler's connections, and what else it has."""
        if self.is_redis:
            with redis.Redis.from_url(self.url) as client:
                client.client_kill_filter(_type="normal", skipme=True)
        else:
            settler: Any = self.settler
            settler._publisher._local.connection.connection.transport.sock.shutdown(socket.SHUT_RDWR)

    def delete_queue(self, name: str) -> None:
        """With all that is in it."""
        Queue(name)(self.connection.default_channel).delete()

    def forget(self) -> None:
        """Nothing of an earlier test."""
        if not self.is_redis:
            self._drained(keys.EVENTS), self._drained(keys.LETTERS)

    def _kept(self, name: str, name_of_field: bytes) -> list[Any]:
        if self.is_redis:
            with redis.Redis.from_url(self.url) as client:
                return [json.loads(entry[name_of_field]) for _, entry in client.xrange(name)]
        return self._drained(name)

    def _drained(self, name: str) -> list[Any]:
        queue = Queue(name, routing_key=name, queue_arguments=queues.kept(name).arguments)
        bound, found = queue(self.connection.default_channel), []
        bound.declare()
        while (message := bound.get(no_ack=True)) is not None:
            found += message.payload if isinstance(message.payload, list) else [message.payload]
        return found


@contextmanager
def redis_broker(url: str) -> Iterator[Broker]:
    settler = RedisSettler(f"postroom+{url}")
    with Connection(f"postroom+{url}", transport_options=QUICK) as connection:
        yield Broker(url, settler, connection)
    settler.close()


@contextmanager
def rabbitmq_broker(url: str) -> Iterator[Broker]:
    recorded: list[Done] = []
    settler = RabbitSettler(url, record=recorded.append)
    with Connection(url) as connection:
        yield Broker(url, settler, connection, recorded)
    settler.close()
