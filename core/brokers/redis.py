"""A Redis stream with its consumer group, read by one consumer of a fixed name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from core.brokers.api import GROUP, BrokerUrl, Delivery
from core.brokers.redis_line import RedisLine

# What was handed to this consumer and never acknowledged; and what nobody was handed yet.
PENDING, NEW = "0", ">"


class RedisStream(RedisLine):
    """See `core.brokers.api.Stream`."""

    def __init__(self, broker: BrokerUrl, name: str, field: str) -> None:
        super().__init__(broker)
        self._name, self._field = name, field.encode()
        # A reader that begins, or that could not commit, first asks for what is pending.
        self._begins = True
        self._open: set[str] = set()

    def read(self, limit: int, wait: float) -> Sequence[Delivery]:
        with self._speaking() as client:
            found = self._of(client, PENDING, limit, None) if self._begins or self._open else []
            self._begins = bool(found) and self._begins
            found = found or self._of(client, NEW, limit, max(1, round(wait * 1000)))
            self._open = {each.tag for each in found}
            return found

    def done(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        tags = [delivery.tag for delivery in deliveries]
        with self._speaking() as client, client.pipeline(transaction=True) as pipe:
            pipe.xack(self._name, GROUP, *tags)
            pipe.xdel(self._name, *tags)
            pipe.execute()
        self._open.difference_update(tags)

    def close(self) -> None:
        super().close()
        self._begins = True
        self._open.clear()

    def _of(self, client: redis.Redis, start: str, limit: int, wait: int | None) -> list[Delivery]:
        answer: Any = client.xreadgroup(GROUP, GROUP, {self._name: start}, count=limit, block=wait)
        entries = _entries(answer)
        # An entry that was deleted while it was pending has nothing left to keep.
        if gone := [tag for tag, fields in entries if not fields]:
            client.xack(self._name, GROUP, *gone)
        found = [self._delivery(tag, fields, start == PENDING) for tag, fields in entries if fields]
        return found or (self._of(client, start, limit, wait) if gone else found)

    def _delivery(self, tag: bytes, fields: dict[bytes, bytes], redelivered: bool) -> Delivery:
        # An entry without the field is not ours; its reader says so, with all that there is.
        body = fields.get(self._field, b" ".join(part for pair in fields.items() for part in pair))
        return Delivery(tag.decode(), body, redelivered, id=tag.decode())

    def _connected(self) -> redis.Redis:
        client = super()._connected()
        _make_group(client, self._name)
        return client


def _make_group(client: redis.Redis, name: str) -> None:
    try:
        client.xgroup_create(name, GROUP, id="0", mkstream=True)
    except redis.ResponseError as problem:
        if "BUSYGROUP" not in str(problem):
            raise


def _entries(answer: Any) -> list[tuple[bytes, dict[bytes, bytes] | None]]:
    """The entries of the one stream that was asked for; clients of either protocol shape the answer their own way."""
    if not answer:
        return []
    found = next(iter(answer.values())) if isinstance(answer, dict) else answer[0][1]
    # The newer protocol wraps the entries once more.
    return found[0] if len(found) == 1 and isinstance(found[0], list) else list(found)
