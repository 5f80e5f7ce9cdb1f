"""Messages onto RabbitMQ: mandatory, persistent, and confirmed, with many under way at once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self

from amqp.exceptions import NotFound

from core import clock
from core.brokers.amqp_values import typed
from core.brokers.api import BrokerError, BrokerUrl, Post, Sent
from core.brokers.rabbitmq import Gone, Message, connected, reason

REDRIVE_ID: Final = "postroom-redrive-id"
PERSISTENT: Final = 2
# So many are unconfirmed at once: more is no faster, and more would be unknown when the connection breaks.
UNDER_WAY: Final = 200
CONFIRM_SECONDS: Final = 30.0
# RabbitMQ takes a time to live of 2^32 milliseconds at most, which is 49 days.
LONGEST_DELAY: Final = 2**22
# What fits a property: one byte of a number, and of a text's length.
MOST_PRIORITY: Final = 255
LONGEST_TEXT: Final = 255
# Properties as AMQP has them. The user id is left out: the broker refuses another's than that of the connection.
PROPERTIES: Final = (
    *("content_type", "content_encoding", "priority", "correlation_id", "reply_to", "expiration"),
    *("message_id", "timestamp", "type", "app_id", "cluster_id"),
)


class QueuePublisher:
    """See `core.brokers.api.Publisher`."""

    remembers: ClassVar[bool] = False

    def __init__(self, broker: BrokerUrl) -> None:
        self._broker = broker
        self._connection: Any = None
        self._channel: Any = None
        self._flight = _Flight()
        self._declared: set[str] = set()
        # Exchanges that were looked for, and whether they were there.
        self._exchanges: dict[str, bool] = {"": True}

    def publish(self, posts: Sequence[Post]) -> Sequence[Sent]:
        if not posts:
            return []
        try:
            self._connect()
            self._look_for({post.exchange for post in posts})
        except Gone as problem:
            self.close()
            raise BrokerError(f"cannot reach {self._broker.name}: {reason(problem)}") from problem
        found = [Sent.UNSENT if self._exchanges[post.exchange] else Sent.UNROUTABLE for post in posts]
        with contextlib.suppress(*Gone):
            for start in range(0, len(posts), UNDER_WAY):
                self._together(posts[start : start + UNDER_WAY], start, found)
        if Sent.UNKNOWN in found or Sent.UNSENT in found:
            # An answer that comes late would be taken for another's.
            self.close()
        return found

    def seen(self, letter_key: str, number: int) -> bool | None:
        return None

    def life(self) -> str:
        return ""

    def kept(self, life: str) -> bool:
        return True

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        self._declared.clear()
        self._exchanges = {"": True}
        if connection is not None:
            with contextlib.suppress(*Gone):
                connection.collect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        if self._channel is not None:
            return
        self._connection = connected(self._broker, confirm_each=False)
        self._channel = self._connection.channel()
        self._channel.confirm_select()
        self._flight.follow(self._channel)

    def _look_for(self, exchanges: set[str]) -> None:
        """A message to an exchange that is not there would end the channel, and with it what is known of the others."""
        self._exchanges = {name: True for name, there in self._exchanges.items() if there}
        for name in exchanges - self._exchanges.keys():
            channel = self._connection.channel()
            try:
                channel.exchange_declare(name, "", passive=True)
                self._exchanges[name] = True
                channel.close()
            except NotFound:
                self._exchanges[name] = False

    def _together(self, posts: Sequence[Post], start: int, found: list[Sent]) -> None:
        flight = self._flight
        flight.begin(posts, start, found)
        for place, post in enumerate(posts, start):
            if found[place] is Sent.UNROUTABLE:
                continue
            routing_key = self._routing_key(post)
            flight.out(place)
            self._channel.basic_publish(_message(post), post.exchange, routing_key, mandatory=True)
        until = clock.monotonic() + CONFIRM_SECONDS
        while flight.waiting and (left := until - clock.monotonic()) > 0:
            self._connection.drain_events(timeout=left)

    def _routing_key(self, post: Post) -> str:
        if post.delay > 0 and not post.exchange:
            return self._delay_queue(post)
        return post.routing_key if post.exchange else post.queue

    def _delay_queue(self, post: Post) -> str:
        """Where it waits, as docs/concepts/wire.md has it; it moves on at least once."""
        seconds = min(2 ** math.ceil(math.log2(max(post.delay, 1))), LONGEST_DELAY)
        name = f"postroom.delay.{seconds}.{post.queue}"
        if name not in self._declared:
            arguments = {
                "x-queue-type": "quorum",
                "x-message-ttl": seconds * 1000,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": post.queue,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            }
            self._channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
            self._declared.add(name)
        return name


class _Flight:
    """What went out on one channel and was not answered yet, by the broker's number for it."""

    def __init__(self) -> None:
        self._last = 0
        self.waiting: dict[int, int] = {}
        self._returned: set[str] = set()
        self._names: dict[int, str] = {}
        self._found: list[Sent] = []

    def follow(self, channel: Any) -> None:
        self._last = 0
        self.waiting.clear()
        self._returned.clear()
        channel.events["basic_ack"].add(self._acked)
        channel.events["basic_nack"].add(self._nacked)
        channel.events["basic_return"].add(self._came_back)

    def begin(self, posts: Sequence[Post], start: int, found: list[Sent]) -> None:
        self._found = found
        self._names = {place: _redrive_id(post) for place, post in enumerate(posts, start)}

    def out(self, place: int) -> None:
        """From now on it may have arrived."""
        self._last += 1
        self.waiting[self._last] = place
        self._found[place] = Sent.UNKNOWN

    def _acked(self, tag: int, multiple: bool) -> None:
        for place in self._answered(tag, multiple):
            # What nobody wanted comes back first, and is then confirmed all the same.
            back = self._names[place] in self._returned
            self._found[place] = Sent.UNROUTABLE if back else Sent.CONFIRMED

    def _nacked(self, tag: int, multiple: bool) -> None:
        for place in self._answered(tag, multiple):
            self._found[place] = Sent.REFUSED

    def _came_back(self, problem: Any, exchange: str, routing_key: str, message: Any) -> None:
        headers: Mapping[str, Any] = message.properties.get("application_headers") or {}
        self._returned.add(str(headers.get(REDRIVE_ID, "")))

    def _answered(self, tag: int, multiple: bool) -> Iterator[int]:
        tags = [each for each in self.waiting if each <= tag] if multiple else [tag]
        for each in tags:
            if (place := self.waiting.pop(each, None)) is not None:
                yield place


def _redrive_id(post: Post) -> str:
    return f"{post.letter_key}:{post.number}"


def _message(post: Post) -> Message:
    given = dict(post.properties)
    if post.content_type:
        given["content_type"] = post.content_type
    if post.content_encoding:
        given["content_encoding"] = post.content_encoding
    if post.delay > 0:
        # Its own time in the delay queue; one that it had for its own queue would begin anew there.
        given["expiration"] = str(min(int(post.delay * 1000), LONGEST_DELAY * 1000))
    kept = {name: value for name in PROPERTIES if (value := _property(name, given.get(name))) is not None}
    headers = {**typed(post.headers), REDRIVE_ID: _redrive_id(post)}
    return Message(post.body, headers, delivery_mode=PERSISTENT, **kept)


def _property(name: str, value: Any) -> Any:
    """As AMQP takes it; None: there is none, or it cannot travel. Whoever hands a letter over may have written any."""
    if value is None:
        return None
    if name == "timestamp":
        return _moment(value)
    if name == "priority":
        return value if isinstance(value, int) and 0 <= value <= MOST_PRIORITY else None
    text = str(value)
    fits = len(text.encode("utf-8", "replace")) <= LONGEST_TEXT
    return text if fits and (name != "expiration" or text.isdecimal()) else None


def _moment(value: Any) -> int | None:
    """Seconds, as AMQP has a moment; who wrote it in JSON may have written text, in UTC if it names no zone."""
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(value, int | float):
            return int(value) if value >= 0 else None
        moment = datetime.fromisoformat(str(value))
        return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
    return None
