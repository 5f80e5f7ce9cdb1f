"""A shop that knows nothing of Postroom: a Celery application and its worker, or a program that speaks AMQP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import kombu
from celery import Celery

from core import redis_url
from core.brokers.api import BrokerUrl
from tests.support.house import ROOT
from tests.support.waiting import until

# Of a delivery and of what the broker notes at its death, neither of which the shop wrote.
NOTED = ("x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason")


class Seen(NamedTuple):
    """A message as it lies on its queue."""

    body: bytes
    headers: dict[str, Any]
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """Its broker, its queue, and on RabbitMQ a queue of dead letters beside it."""

    broker: BrokerUrl
    queue: str
    repaired: Path

    @property
    def dead(self) -> str:
        return f"{self.queue}.dead"

    @property
    def url(self) -> str:
        return redis_url.for_celery(self.broker.url)

    @property
    def environ(self) -> dict[str, str]:
        dead = self.dead if self.broker.kind == "rabbitmq" else ""
        return {
            "SHOP_BROKER": self.url,
            "SHOP_QUEUE": self.queue,
            "SHOP_DEAD": dead,
            "SHOP_REPAIRED": str(self.repaired),
        }

    def order(self, id: str) -> None:
        """A task in its third try, with a deadline, a priority and a header of the shop's own."""
        with self.app() as app:
            app.send_task(
                "shop.charge", (21,), {"card": "näher"}, task_id=id, queue=self.queue, expires=3600, retries=2,
                priority=3, headers={"tenant": "north", "tries": [1, {"at": 2.5}]},
            )  # fmt: skip

    @contextmanager
    def app(self) -> Iterator[Celery]:
        with Celery("shop", broker=self.url) as app:
            arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.dead}
            rabbit = self.broker.kind == "rabbitmq"
            app.conf.task_queues = [kombu.Queue(self.queue, queue_arguments=arguments if rabbit else None)]
            yield app

    def declare_dead(self) -> None:
        with self._channel() as channel:
            kombu.Queue(self.dead, channel=channel).declare()

    def seen(self) -> Seen:
        """The only message that waits; it waits on."""
        return self._of_redis() if self.broker.kind == "redis" else self._of_rabbitmq()

    def _of_redis(self) -> Seen:
        with self._channel() as channel:
            keys = channel.client.scan_iter(f"{self.queue}*")
            [raw] = [each for key in keys for each in channel.client.lrange(key, 0, -1)]
            return _seen(channel.Message(json.loads(raw), channel=channel))

    def _of_rabbitmq(self) -> Seen:
        with self._channel() as channel:
            message = channel.message_to_python(channel.basic_get(self.queue))
            found = _seen(message)
            message.requeue()
            return found

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        with kombu.Connection(self.url) as connection, connection.channel() as channel:
            yield channel

    @contextmanager
    def worker(self, folder: Path) -> Iterator[Path]:
        """The shop's own worker, which tells Celery's events; yields its log."""
        command = [sys.executable, "-m", "celery", "-A", "tests.support.bare_celery", "worker", "-E"]
        command += [
            "-P",
            "solo",
            "-l",
            "info",
            "--without-gossip",
            "--without-mingle",
            "-n",
            f"{self.queue}@shop",
        ]
        log = folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | self.environ, stdout=out, stderr=out
            )
        try:
            until(lambda: "ready" in log.read_text() or process.poll() is not None, "the worker", 60)
            assert process.poll() is None, log.read_text()
            yield log
        finally:
            process.terminate()
            process.wait(30)


def _seen(message: Any) -> Seen:
    """A message as kombu has it."""
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    given = {name: value for name, value in message.properties.items() if name != "application_headers"}
    given |= {"content_type": message.content_type, "content_encoding": message.content_encoding}
    return Seen(body, dict(message.headers), given)
