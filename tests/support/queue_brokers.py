"""Queues on real brokers, as programs that know nothing of Postroom fill and empty them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from kombu import Connection, Exchange, Queue

from agents.queues.api import Broker
from agents.queues.rabbitmq import RabbitBroker
from agents.queues.redis import RedisBroker
from core.brokers.api import BrokerUrl
from postroom.drills.brokers import PrivateRabbitMQ
from tests.support.servers import free_port

QUORUM = {"x-queue-type": "quorum"}


@dataclass(frozen=True, slots=True)
class Home:
    """A broker, and queues on it of one type."""

    url: str
    arguments: Mapping[str, Any] | None = None
    management: str = ""

    @property
    def broker(self) -> BrokerUrl:
        return BrokerUrl("main", self.url)

    @property
    def is_redis(self) -> bool:
        return self.broker.kind == "redis"

    def open(self) -> Broker:
        return RedisBroker(self.broker) if self.is_redis else RabbitBroker(self.broker, self.management)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        url = self.url.replace("unix://", "redis+socket://")
        with Connection(url) as connection:
            yield connection

    def queue(self, name: str) -> Queue:
        return Queue(
            name, Exchange(name), routing_key=name, queue_arguments=dict(self.arguments or {}) or None
        )

    def declare(self, *names: str) -> None:
        with self.connected() as connection:
            for name in names:
                self.queue(name)(connection.default_channel).declare()

    def send(self, name: str, *ids: str, **properties: Any) -> None:
        """As Celery sends: a task's id in a header."""
        with self.connected() as connection:
            producer = connection.Producer()
            for id in ids:
                producer.publish(
                    [[], {}, {}],
                    exchange=Exchange(name),
                    routing_key=name,
                    declare=[self.queue(name)],
                    headers={"id": id, "task": "shop.book", "origin": "shop"},
                    correlation_id=id,
                    serializer="json",
                    **properties,
                )

    @contextmanager
    def taking(self, name: str, number: int) -> Iterator[None]:
        """Somebody has so many deliveries in hand; afterwards they are back."""
        with self.connected() as connection:
            queue = self.queue(name)(connection.default_channel)
            taken = [message for _ in range(number) if (message := queue.get(no_ack=False))]
            assert len(taken) == number
            yield
            for message in taken:
                message.requeue()


class ManagedRabbitMQ(PrivateRabbitMQ):
    """A RabbitMQ of our own, with its management API."""

    def __init__(self, folder: Path) -> None:
        self.management_port = free_port()
        super().__init__(folder)

    @property
    def management(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    def _environ(self) -> Mapping[str, str]:
        environ = super()._environ()
        with (self._folder / "rabbitmq.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(
                f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.management_port}\n"
                "collect_statistics_interval = 1000\n"
            )
        (self._folder / "enabled_plugins").write_text("[rabbitmq_management].\n", encoding="utf-8")
        return environ

    def _answers(self) -> bool:
        if not super()._answers():
            return False
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.management}/api/overview", auth=("guest", "guest")).is_success
        return False


@contextmanager
def managed(folder: Path) -> Iterator[ManagedRabbitMQ]:
    broker = ManagedRabbitMQ(folder)
    try:
        yield broker
    finally:
        broker.close()


def vhost_of(url: str) -> str:
    return quote(urlsplit(url).path[1:] or "/", safe="")


def claimed(message: str, queue: str, instance: str) -> str:
    """What the library keeps of a claim: docs/concepts/wire.md."""
    return json.dumps([message, queue, instance, time.time(), queue], separators=(",", ":"))
