"""Streams on real brokers, and how a sender puts something on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import amqp
import redis

from core.brokers import api
from core.brokers.api import BrokerUrl, Stream
from core.brokers.rabbitmq import ARGUMENTS, connected


@dataclass(frozen=True, slots=True)
class Home:
    """A broker, and one stream on it."""

    broker: BrokerUrl
    name: str = "postroom.letters"
    field: str = "l"

    def open(self) -> Stream:
        return api.stream(self.broker, self.name, field=self.field)

    def send(self, *bodies: bytes, **properties: Any) -> None:
        if self.broker.kind == "redis":
            with redis.Redis.from_url(self.broker.url) as client:
                for body in bodies:
                    client.xadd(self.name, {self.field: body})
            return
        connection = connected(self.broker)
        try:
            channel = connection.channel()
            channel.queue_declare(self.name, durable=True, auto_delete=False, arguments=ARGUMENTS)
            for body in bodies:
                channel.basic_publish_confirm(
                    amqp.Message(body, delivery_mode=2, **properties), "", self.name, mandatory=True
                )
        finally:
            connection.close()

    def left(self) -> int:
        """What is still there, handed out or not."""
        with self.open() as stream:
            return len(stream.read(500, 0.3))
