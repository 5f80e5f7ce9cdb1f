"""A RabbitMQ queue, read a batch at a time: while one is in hand, the broker pushes nothing more.

So an entry is marked as redelivered only if it was in somebody's hand before, and not because it had been pushed ahead.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import amqp
from amqp import abstract_channel, serialization
from amqp.exceptions import AMQPError

from core import clock
from core.brokers.amqp_values import table
from core.brokers.api import BrokerError, BrokerUrl, Delivery

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
HEARTBEAT_SECONDS = 30
# As docs/concepts/wire.md declares Postroom's own queues. The limit is out of reach on purpose: a queue that counts
# failed deliveries would drop a letter in the end.
ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
# Of the old delivery and not of the message: what a queue counted, and further queues, which had their copies and
# would each get another.
OF_THE_DELIVERY = ("x-delivery-count", "CC", "BCC")
PORTS = {"amqp": 5672, "amqps": 5671}
Gone = (AMQPError, OSError, ssl.SSLError)


# ---- Whatever bytes there are ----------------------------------------------------------------------------------
# A text that is no UTF-8 is read with those bytes written out (`\xff`), or, in a table, as the bytes that it is.
# py-amqp raises there, and a single such message would keep a queue from being read for ever.
def read_properties(sent: bytes, at: int) -> tuple[dict[str, Any], int]:
    """Of a message."""
    (flags,) = struct.unpack_from(">H", sent, at)
    at += 2
    found: dict[str, Any] = {}
    for place, (name, kind) in enumerate(amqp.Message.PROPERTIES):
        if not flags & (0x8000 >> place):
            continue
        if kind == "s":
            found[name], at = _short_text(sent, at)
        else:
            (found[name],), at = serialization.loads(kind, sent, at)
    return found, at


def read_arguments(kinds: str, sent: bytes, at: int) -> tuple[list[Any], int]:
    """Of a method, such as the exchange and the routing key of a delivery."""
    found: list[Any] = []
    for is_text, run in groupby(kinds, lambda kind: kind == "s"):
        if is_text:
            for _ in run:
                said, at = _short_text(sent, at)
                found.append(said)
        else:
            values, at = serialization.loads("".join(run), sent, at)
            found += values
    return found, at


def read_item(sent: bytes, at: int) -> tuple[Any, int]:
    """Of a table: half of a character is no text, and a moment after the year 9999 is a number."""
    kind = bytes(sent[at : at + 1])
    if kind == b"S":
        (length,) = struct.unpack_from(">I", sent, at + 1)
        raw = bytes(sent[at + 5 : at + 5 + length])
        try:
            return raw.decode(), at + 5 + length
        except UnicodeDecodeError:
            return raw, at + 5 + length
    try:
        found: tuple[Any, int] = _read_item(sent, at)
        return found
    except (ValueError, OverflowError, OSError):
        if kind != b"T":
            raise
        (seconds,) = struct.unpack_from(">Q", sent, at + 1)
        return seconds, at + 9


def _short_text(sent: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + sent[at]
    return bytes(sent[at + 1 : end]).decode("utf-8", "backslashreplace"), end


_read_item = serialization._read_item  # type: ignore[attr-defined]
serialization._read_item = read_item  # type: ignore[attr-defined]
serialization.PROPERTY_CLASSES[amqp.Message.CLASS_ID] = read_properties  # type: ignore[assignment]
abstract_channel.loads = read_arguments  # type: ignore[assignment]


# ---- A queue ---------------------------------------------------------------------------------------------------


class QueueStream:
    """See `core.brokers.api.Stream`."""

    def __init__(self, broker: BrokerUrl, name: str, *, declare: bool) -> None:
        self._broker, self._name, self._declare = broker, name, declare
        self._connection: Any = None
        self._channel: Any = None
        self._consumer = ""
        self._pushed = 0
        self._waiting: deque[Delivery] = deque()
        # Handed out and not done: the broker would not send it again while this connection lives.
        self._open: dict[str, Delivery] = {}

    def read(self, limit: int, wait: float) -> Sequence[Delivery]:
        with self._speaking():
            self._connect()
            self._connection.heartbeat_tick()
            if self._open:
                return [replace(each, redelivered=True) for each in self._open.values()][:limit]
            self._consume(limit)
            self._fill(limit, wait)
            if self._waiting:
                self._rest()
            found = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
            self._open = {each.tag: each for each in found}
            return found

    def done(self, deliveries: Sequence[Delivery]) -> None:
        with self._speaking():
            for each in deliveries:
                if each.tag in self._open and self._channel is not None:
                    self._channel.basic_ack(int(each.tag.partition(":")[2]))
                    del self._open[each.tag]

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        self._consumer, self._pushed = "", 0
        self._waiting.clear()
        self._open.clear()
        if connection is not None:
            with contextlib.suppress(*Gone):
                connection.close()
            with contextlib.suppress(*Gone):
                connection.collect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fill(self, limit: int, wait: float) -> None:
        """Wait for the first delivery, then take what is on its way already."""
        until = clock.monotonic() + wait
        while len(self._waiting) < limit:
            left = until - clock.monotonic() if not self._waiting else 0.005
            if left <= 0:
                return
            try:
                self._connection.drain_events(timeout=left)
            except TimeoutError:
                return

    def _consume(self, limit: int) -> None:
        if self._consumer:
            return
        if self._pushed != limit:
            self._channel.basic_qos(0, limit, False)
            self._pushed = limit
        # Tags begin anew with each connection: one of an older connection must mean nothing.
        epoch = id(self._channel)
        answer = self._channel.basic_consume(self._name, callback=lambda message: self._take(message, epoch))
        self._consumer = str(answer)

    def _rest(self) -> None:
        """What is still on its way arrives before the broker's answer."""
        self._channel.basic_cancel(self._consumer)
        self._consumer = ""

    def _connect(self) -> None:
        if self._channel is not None:
            return
        self._connection = connected(self._broker)
        self._channel = channel = self._connection.channel()
        # Bytes as they came: a body is nobody's to decode before it is kept.
        channel.auto_decode = False
        if self._declare:
            channel.queue_declare(self._name, durable=True, auto_delete=False, arguments=ARGUMENTS)
        else:
            channel.queue_declare(self._name, passive=True)

    def _take(self, message: Any, epoch: int) -> None:
        body = message.body
        properties = dict(message.properties)
        headers = properties.pop("application_headers", None) or {}
        self._waiting.append(
            Delivery(
                f"{epoch}:{message.delivery_tag}",
                body if isinstance(body, bytes) else str(body).encode(),
                bool(message.delivery_info.get("redelivered")),
                headers=headers,
                properties=properties | _origin(message.delivery_info),
            )
        )

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except Gone as problem:
            self.close()
            raise BrokerError(f"cannot reach {self._broker.name}: {reason(problem)}") from problem


class Message(amqp.Message):
    """To be sent with these headers, of whatever AMQP's tables hold, but for those of the old delivery."""

    # As they travel, a table and a long text are the same: a length and so many bytes.
    PROPERTIES = [(name, "S" if kind == "F" else kind) for name, kind in amqp.Message.PROPERTIES]

    def __init__(self, body: bytes, headers: Mapping[str, Any], **properties: Any) -> None:
        kept = {name: value for name, value in headers.items() if name not in OF_THE_DELIVERY}
        super().__init__(body, application_headers=table(kept), **properties)


def connected(broker: BrokerUrl, *, confirm_each: bool = True) -> Any:
    """An open connection, on which each message is waited for unless `confirm_each` is off. Raises what amqp raises."""
    parts = urlsplit(broker.url)
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}",
        userid=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        virtual_host=unquote(parts.path[1:]) or "/",
        ssl={"server_hostname": parts.hostname} if parts.scheme == "amqps" else False,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        write_timeout=ANSWER_SECONDS,
        heartbeat=HEARTBEAT_SECONDS,
        confirm_publish=confirm_each,
        client_properties={"connection_name": f"postroom@{socket.gethostname()}"},
    )
    connection.connect()
    return connection


def _origin(info: dict[str, Any]) -> dict[str, Any]:
    return {"exchange": info.get("exchange", ""), "routing_key": info.get("routing_key", "")}


def reason(problem: Exception) -> str:
    """amqp's errors carry the broker's own sentence; the system's carry one in words."""
    return str(getattr(problem, "strerror", None) or problem) or type(problem).__name__
