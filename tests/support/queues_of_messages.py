"""A queue with messages on a broker that Postroom knows, another to move them to, and operations on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import kombu

from agents.deadletters.services.capture import Capture
from agents.operations import api
from agents.operations.models import Operation
from agents.operations.options import parse
from agents.operations.services import executing
from agents.operations.values import Action, Selection
from core import redis_url
from core.access import grants
from core.access.api import Scope
from core.access.models import User
from core.access.services import Actor
from core.brokers.api import BrokerUrl
from tests.support.accounts import person


@dataclass(frozen=True, slots=True)
class Queues:
    """As an outsider sees them: through kombu."""

    broker: BrokerUrl
    name: str
    other: str

    @property
    def select(self) -> Selection:
        return Selection(queue=f"{self.broker.name}/{self.name}")

    def send(self, *bodies: str) -> None:
        with self._channel() as channel:
            for body in bodies:
                headers = {"task": "book", "id": f"m-{body}"}
                kombu.Producer(channel).publish(body, routing_key=self.name, headers=headers)

    def bodies(self, name: str) -> list[Any]:
        """Taken off it."""
        with self._channel() as channel:
            queue = self._queue(name, channel)
            queue.declare()
            return [message.payload for message in iter(lambda: queue.get(no_ack=True), None)]

    def depth(self) -> int:
        """How many wait, and are in nobody's hand."""
        with self._channel() as channel:
            return int(self._queue(self.name, channel).queue_declare(passive=True).message_count)

    def delete(self) -> None:
        with self._channel() as channel:
            self._queue(self.name, channel).delete()

    def capture(self) -> None:
        """Every letter that waits comes into custody."""
        capture = Capture(self.broker)
        while capture.step(1.0):
            pass
        capture.close()

    def _queue(self, name: str, channel: Any) -> Any:
        return kombu.Queue(name, channel=channel, queue_arguments={"x-queue-type": "quorum"})

    def _channel(self) -> Any:
        return kombu.Connection(redis_url.for_celery(self.broker.url)).channel()


def made_on(broker: BrokerUrl, settings: Any, live: str) -> Queues:
    """Two empty ones. `live`: the Redis that Postroom itself uses."""
    settings.REDIS_URL = live
    settings.POSTROOM = replace(settings.POSTROOM, brokers=(broker,))
    name = uuid.uuid4().hex[:8]
    found = Queues(broker, f"orders-{name}", f"spare-{name}")
    found.bodies(found.name), found.bodies(found.other)
    return found


def operator(scope: Scope | None = None, role: str = "admin") -> Actor:
    return Actor(grants.subject_of(person("ana", role, scope=scope)), "test")


def operator_again() -> Actor:
    return Actor(grants.subject_of(User.objects.get(username="ana")), "test")


def started(queues: Queues, action: Action = Action.MOVE, **options: Any) -> Operation:
    ana = operator()
    given = {"target_queue": queues.other} | options if action is Action.MOVE else options
    return api.start(api.plan(action, queues.select, parse(action, given), ana), "gateway moved", ana)


def worked(operation: Operation) -> Operation:
    executing.go_on(operation.pk)
    operation.refresh_from_db()
    assert operation.tally.adds_up
    return operation


def numbered(number: int) -> Iterable[str]:
    """So many bodies."""
    return map(str, range(number))
