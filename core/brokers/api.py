"""The front door: which brokers there are, and a stream that is read, kept, and only then taken off the broker.

with brokers.stream(broker, "postroom.events", field="e") as stream:
    found = stream.read(limit=500, wait=1.0)
    ...commit...
    stream.done(found)

And a publisher, that puts messages back on their queues:

with brokers.publisher(broker) as publisher:
    for post, sent in zip(posts, publisher.publish(posts)):
        ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self

import msgspec
from django.conf import settings

from core.env import BrokerUrl

__all__ = [
    "GROUP",
    "BrokerError",
    "BrokerUrl",
    "Delivery",
    "Post",
    "Publisher",
    "Sent",
    "Stream",
    "configured",
    "find",
    "publisher",
    "stream",
]

# The consumer group on Redis, and the name by which every reader of a stream goes: there is one at a time, and one
# that takes over finds what the one before it left.
GROUP = "postroom"


class BrokerError(Exception):
    """The broker cannot be reached or refuses. What was read and not done stays there; open the stream anew."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry as the broker handed it over. `tag` is the broker's own and means something to `done` alone.

    `redelivered`: it was handed over before and never taken off; somebody may have committed it already.
    `id` stays the same in every delivery where the broker numbers its entries (Redis), else it is empty.
    """

    tag: str
    body: bytes
    redelivered: bool = False
    id: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)


class Stream(Protocol):
    """A queue of Postroom's own on one broker, read by one process at a time. Not for several threads.

    Nothing is lost: an entry leaves the broker only through `done`. It may come twice: after a crash, a lost
    connection, or when two readers overlap for a moment. So commit first, and make the commit idempotent.
    """

    def read(self, limit: int, wait: float) -> Sequence[Delivery]:
        """Up to `limit` entries, waiting at most `wait` seconds for the first; none when there is none.

        What was read and is not done comes again, before anything else and marked `redelivered`: whoever could not
        commit calls `read` again later, and the broker does not count that as a failed delivery.
        Raises BrokerError.
        """

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Take these off the broker. Raises BrokerError, and then they may come again."""

    def close(self) -> None:
        """Let go of the connection. What is not done comes again to whoever reads next. Never fails."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Sent(StrEnum):
    """What became of a post."""

    CONFIRMED = "confirmed"
    # Its marker was there: an earlier call put it on the queue.
    ALREADY = "already"
    UNROUTABLE = "unroutable"
    REFUSED = "refused"
    # It went out, and the connection was lost before the broker said anything. Nobody can tell.
    UNKNOWN = "unknown"
    # The connection was lost before it went out.
    UNSENT = "unsent"


class Post(msgspec.Struct, frozen=True):
    """A message to put on a queue: redrive `number` of the letter `letter_key`. Its headers hold
    `postroom-redrive-id`, which is `letter_key:number`.

    Without an exchange it goes straight to `queue`. `delay` in seconds: it is on the queue when they are over.
    """

    letter_key: str
    number: int
    queue: str
    body: bytes
    headers: Mapping[str, Any] = msgspec.field(default_factory=dict)
    properties: Mapping[str, Any] = msgspec.field(default_factory=dict)
    content_type: str = ""
    content_encoding: str = ""
    exchange: str = ""
    routing_key: str = ""
    delay: float = 0


class Publisher(Protocol):
    """Puts messages on the queues of one broker. Not for several threads; the first message connects.

    Durable: what is `confirmed` survives a restart of the broker as its other messages do. Once: on Redis a redrive
    that is published again is `already` there, however often and by whomever, for as long as its marker lives (60
    days); RabbitMQ keeps no marker, so what was not confirmed there stays `unknown`.
    """

    def publish(self, posts: Sequence[Post]) -> Sequence[Sent]:
        """What became of each, in their order, with as many under way at once as the broker takes.

        Raises BrokerError when it could not begin, and on Redis whenever the connection is lost: call again, the
        markers know. Nothing for no posts.
        """

    # Whether `seen` knows. Then a BrokerError of `publish` leaves everything open, and `seen` is to be asked.
    remembers: ClassVar[bool]

    def seen(self, letter_key: str, number: int) -> bool | None:
        """Was this redrive published? None: this broker cannot say. False means no only while the broker has `kept`
        what it had. Raises BrokerError."""

    def life(self) -> str:
        """Which life of its data the broker is in, for `kept`; empty where `seen` does not know. Raises BrokerError."""

    def kept(self, life: str) -> bool:
        """Is everything there that was put there in this life: since `life` said so, nothing was lost, as far as
        anybody can tell? Ask it after `seen`. Raises BrokerError."""

    def close(self) -> None:
        """Let go of the connection. Never fails."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def configured() -> tuple[BrokerUrl, ...]:
    """The brokers of POSTROOM_BROKERS; without it `main`, the Redis that Postroom itself uses."""
    given: tuple[BrokerUrl, ...] | None = settings.POSTROOM.brokers
    return given or (BrokerUrl("main", settings.REDIS_URL),)


def find(name: str) -> BrokerUrl | None:
    """The broker of this name."""
    return next((broker for broker in configured() if broker.name == name), None)


def stream(broker: BrokerUrl, name: str, *, field: str = "", declare: bool = True) -> Stream:
    """Open a stream by name; the first `read` connects, so this never fails.

    On Redis a stream, whose entries carry their bytes in `field`. On RabbitMQ a durable quorum queue; `declare`
    False leaves a queue that somebody else made as it is.
    """
    if broker.kind == "rabbitmq":
        from core.brokers.rabbitmq import QueueStream

        return QueueStream(broker, name, declare=declare)
    from core.brokers.redis import RedisStream

    return RedisStream(broker, name, field)


def publisher(broker: BrokerUrl) -> Publisher:
    """Open a publisher; the first `publish` or `seen` connects, so this never fails."""
    if broker.kind == "rabbitmq":
        from core.brokers.rabbitmq_publisher import QueuePublisher

        return QueuePublisher(broker)
    from core.brokers.redis_publisher import ListPublisher

    return ListPublisher(broker)
