"""Waiting messages off a RabbitMQ queue: got, published elsewhere and confirmed, and only then acknowledged."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Self

import amqp
from amqp.exceptions import MessageNacked, NotFound

from core import crash
from core.brokers.amqp_values import plain
from core.brokers.api import BrokerError, BrokerUrl
from core.brokers.rabbitmq import ARGUMENTS, Gone, Message, connected, reason
from core.brokers.waiting import LETTERS, Letter, Moved, Waits, Wanted
from core.crash import Point

PERSISTENT = 2
CONFIRM_SECONDS = 30.0
OF_THE_USER = "user_id"

# What goes out for a message: the message, and the queue that it goes to.
Outgoing = Callable[[Any, Wanted], tuple[Any, str]]


class QueueShifter:
    """See `core.brokers.waiting.Shifter`."""

    remembers: ClassVar[bool] = False

    def __init__(self, broker: BrokerUrl) -> None:
        self._broker = broker
        self._connection: Any = None

    def waits(self, queue: str, limit: int) -> Sequence[Waits]:
        with self._looking() as channel, contextlib.suppress(NotFound):
            return [waits(message) for _, message in zip(range(limit), _each(channel, queue), strict=False)]
        return []

    def move(self, queue: str, wanted: Sequence[Wanted], target: str) -> Sequence[Moved]:
        return self._shift(queue, wanted, lambda message, _: (_copy(message), target))

    def keep(self, queue: str, wanted: Sequence[Wanted], letter: Letter) -> Sequence[Moved]:
        def outgoing(message: Any, one: Wanted) -> tuple[Any, str]:
            body = letter(waits(message), one.mark)
            return amqp.Message(body, delivery_mode=PERSISTENT, content_type="application/json"), LETTERS

        with self._looking() as channel:
            channel.queue_declare(LETTERS, durable=True, auto_delete=False, arguments=ARGUMENTS)
        return self._shift(queue, wanted, outgoing)

    def look(self, queue: str, wanted: Sequence[Wanted]) -> Sequence[Moved]:
        missed = Counter(each.key for each in wanted)
        with self._looking() as channel, contextlib.suppress(NotFound):
            for message in _each(channel, queue):
                if _strike(missed, waits(message).key) and not missed:
                    break
        return [_looked(missed, each.key) for each in wanted]

    def life(self) -> str:
        return ""

    def kept(self, life: str) -> bool:
        return True

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*Gone):
                connection.close()
            with contextlib.suppress(*Gone):
                connection.collect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shift(self, queue: str, wanted: Sequence[Wanted], outgoing: Outgoing) -> list[Moved]:
        turn = _Turn(wanted, outgoing)
        with self._looking() as channel:
            try:
                turn.go(channel, queue)
            except NotFound:
                return turn.ended()
            except Gone:
                # What was moved by then is said: asked again, nobody could tell it from what consumers took.
                self.close()
                return turn.found
        return turn.ended()

    @contextlib.contextmanager
    def _looking(self) -> Iterator[Any]:
        """A channel of its own: with it closed, the broker puts back in its place what was not acknowledged."""
        try:
            if self._connection is None:
                self._connection = connected(self._broker)
            channel = self._connection.channel()
            channel.auto_decode = False
            yield channel
            if self._connection is not None and channel.is_open:
                channel.close()
        except NotFound:
            raise
        except Gone as problem:
            self.close()
            raise BrokerError(f"cannot reach {self._broker.name}: {reason(problem)}") from problem


class _Turn:
    """One pass along a queue, until all that is wanted was met."""

    def __init__(self, wanted: Sequence[Wanted], outgoing: Outgoing) -> None:
        self._wanted, self._outgoing = wanted, outgoing
        self.found = [Moved.UNSENT] * len(wanted)
        self._places: dict[str, deque[int]] = defaultdict(deque)
        for place, each in enumerate(wanted):
            self._places[each.key].append(place)
        self._left = len(wanted)
        self._back = False

    def go(self, channel: Any, queue: str) -> None:
        channel.events["basic_return"].add(self._came_back)
        for message in _each(channel, queue):
            places = self._places.get(waits(message).key)
            if places:
                self._left -= 1
                self._one(channel, message, places.popleft())
            if not self._left:
                return

    def ended(self) -> list[Moved]:
        """The whole queue was seen, or it is there no longer: what was not met is gone."""
        return [Moved.GONE if each is Moved.UNSENT else each for each in self.found]

    def _one(self, channel: Any, message: Any, place: int) -> None:
        out, target = self._outgoing(message, self._wanted[place])
        self._back, self.found[place] = False, Moved.UNKNOWN
        try:
            channel.basic_publish_confirm(out, "", target, mandatory=True, confirm_timeout=CONFIRM_SECONDS)
        except MessageNacked:
            self.found[place] = Moved.REFUSED
            return
        if self._back:
            self.found[place] = Moved.UNROUTABLE
            return
        self.found[place] = Moved.MOVED
        crash.here(Point.PUBLISH)
        channel.basic_ack(message.delivery_tag)

    def _came_back(self, *_: Any) -> None:
        self._back = True


def waits(message: Any) -> Waits:
    """A message as AMQP has it."""
    properties = dict(message.properties)
    headers = dict(properties.pop("application_headers", None) or {})
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    named = headers.get("postroom-message-id") or properties.get("message_id") or headers.get("id") or ""
    return Waits(
        key=f"{str(named)[:200]}:{hashlib.sha256(body).hexdigest()}",
        message_id=str(named),
        body=body,
        headers=plain(headers),
        properties=plain(properties),
        content_type=str(properties.get("content_type") or ""),
        content_encoding=str(properties.get("content_encoding") or ""),
        exchange=str(message.delivery_info.get("exchange") or ""),
        routing_key=str(message.delivery_info.get("routing_key") or ""),
    )


def _looked(missed: Counter[str], key: str) -> Moved:
    """Of equal messages that are fewer than were wanted, the first ones are gone."""
    return Moved.GONE if _strike(missed, key) else Moved.UNSENT


def _strike(missed: Counter[str], key: str) -> bool:
    """One less of them, if there was one."""
    if key not in missed:
        return False
    missed[key] -= 1
    if not missed[key]:
        del missed[key]
    return True


def _each(channel: Any, queue: str) -> Iterator[Any]:
    while message := channel.basic_get(queue):
        yield message


def _copy(message: Any) -> Any:
    """As it is, but for what was of its old delivery. The user id is left out: the broker refuses another's than that
    of the connection."""
    kept = {name: value for name, value in message.properties.items() if name != OF_THE_USER}
    headers = kept.pop("application_headers", None) or {}
    return Message(message.body, headers, **kept)
