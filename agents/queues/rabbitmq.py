"""RabbitMQ: depth and consumers over AMQP, fresh with every question; the rest from the management API, where there
is one. Without it only those queues are known that messages, agents or workers named."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from amqp.exceptions import AccessRefused, ChannelError, NotFound, ResourceLocked

from agents.queues.api import PeekCountsError
from agents.queues.kombu_message import MESSAGE_ID, SENDER, moment_in
from agents.queues.management import REST_SECONDS, AwayError, Management, Said
from agents.queues.names import delayed_for, is_queue
from agents.queues.values import Binding, Consumer, Figures, Held, QueueKind, Reading, Waiting
from core import clock
from core.brokers.api import BrokerError, BrokerUrl
from core.brokers.rabbitmq import Gone, connected, reason

WITHOUT = "Its management API {}: rates come from events, and memory and redeliveries are not known."


class Counted(NamedTuple):
    depth: int
    consumers: int


class RabbitBroker:
    """See `agents.queues.api.Broker`."""

    peeks_in_place = False

    def __init__(self, broker: BrokerUrl, management: str = "") -> None:
        self._broker, self._address = broker, management
        self._management: Management | None = None
        self._away, self._again = "", 0.0
        self._connection: Any = None
        self._channel: Any = None

    def read(self, known: Collection[str]) -> Reading:
        said = self._said()
        names = {name for name in {*said, *known} if is_queue(name)}
        waits = self._delays(said, known)
        with self._speaking():
            self._connect()
            counted = {name: self._count(name) for name in sorted(names)}
            delayed = {name: self._delayed(some) for name, some in waits.items()}
        there = {name: found for name, found in counted.items() if found}
        figures = tuple(
            _figures(name, found, said.get(name), delayed.get(name, 0)) for name, found in there.items()
        )
        note = WITHOUT.format(self._away) if self._away else ""
        return Reading(clock.now(), figures, frozenset(names - there.keys()), note)

    def peek(self, queue: str, limit: int, *, knowing_that_it_counts: bool = False) -> Sequence[Waiting]:
        if not knowing_that_it_counts:
            raise PeekCountsError(PeekCountsError.__doc__)
        with self._speaking():
            self._connect()
            channel = self._connection.channel()
            channel.auto_decode = False
            try:
                taken = [message for _ in range(limit) if (message := channel.basic_get(queue))]
            finally:
                # With its channel gone, the broker puts each back in its place.
                channel.close()
        return [_waiting(message) for message in taken]

    def consumers(self, queue: str) -> Sequence[Consumer]:
        return list(self._of_management(lambda management: management.consumers(queue)))

    def held(self, queue: str, limit: int) -> Sequence[Held]:
        return []

    def bindings(self, queue: str) -> Sequence[Binding]:
        return list(self._of_management(lambda management: management.bindings(queue)))

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(*Gone):
                connection.close()
            with contextlib.suppress(*Gone):
                connection.collect()
        if self._management is not None:
            self._management.close()
            self._management = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _said(self) -> Mapping[str, Said]:
        found: Sequence[Said] = self._of_management(lambda management: management.queues())
        return {each.name: each for each in found}

    def _of_management(self, ask: Any) -> Any:
        """Its answer; nothing while it does not answer, and then it is left in peace for a while."""
        if self._away and clock.monotonic() < self._again:
            return []
        self._management = self._management or Management(self._broker, self._address)
        try:
            answer = ask(self._management)
        except AwayError as problem:
            self._away, self._again = str(problem), clock.monotonic() + REST_SECONDS
            return []
        self._away = ""
        return answer

    @staticmethod
    def _delays(said: Collection[str], known: Collection[str]) -> dict[str, list[str]]:
        waits: dict[str, list[str]] = {}
        for name in {*said, *known}:
            if queue := delayed_for(name):
                waits.setdefault(queue, []).append(name)
        return waits

    def _delayed(self, names: Collection[str]) -> int:
        return sum(found.depth for name in names if (found := self._count(name)))

    def _count(self, name: str) -> Counted | None:
        """None: there is no such queue, or it is another connection's own. Either closes the channel."""
        if self._channel is None:
            self._channel = self._connection.channel()
        try:
            answer = self._channel.queue_declare(name, passive=True)
        except (NotFound, ResourceLocked, AccessRefused):
            self._channel = None
            return None
        return Counted(answer.message_count, answer.consumer_count)

    def _connect(self) -> None:
        if self._connection is None:
            self._connection = connected(self._broker)
            self._channel = None
        self._connection.heartbeat_tick()

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except ChannelError as problem:
            self._channel = None
            raise BrokerError(f"{self._broker.name} refuses: {reason(problem)}") from problem
        except Gone as problem:
            self.close()
            raise BrokerError(f"cannot reach {self._broker.name}: {reason(problem)}") from problem


def _figures(name: str, found: Counted, said: Said | None, delayed: int) -> Figures:
    """What AMQP counted is the newer one."""
    return Figures(
        name=name,
        kind=said.kind if said else QueueKind.UNKNOWN,
        depth=found.depth,
        unacknowledged=said.unacknowledged if said else None,
        delayed=delayed,
        consumers=found.consumers,
        memory=said.memory if said else None,
        redelivered=said.redelivered if said else None,
        entered=said.entered if said else None,
        left=said.left if said else None,
        head_at=said.head_at if said else None,
    )


def _waiting(message: Any) -> Waiting:
    properties = dict(message.properties)
    headers = properties.pop("application_headers", None) or {}
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    id = str(
        headers.get(MESSAGE_ID)
        or headers.get("id")
        or properties.get("message_id")
        or properties.get("correlation_id")
        or ""
    )
    return Waiting(
        message_id=id,
        task=str(headers.get("task") or properties.get("type") or ""),
        sender=str(headers.get(SENDER) or headers.get("origin") or properties.get("app_id") or ""),
        priority=int(properties.get("priority") or 0),
        redelivered=bool(message.delivery_info.get("redelivered")),
        sent_at=_sent_at(properties.get("timestamp")) or moment_in(id),
        headers=headers,
        body=body,
        size=len(body),
        content_type=str(properties.get("content_type") or ""),
    )


def _sent_at(stamp: Any) -> datetime | None:
    if isinstance(stamp, datetime):
        return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    return datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int | float) and stamp > 0 else None
