"""Redis as Celery and the library use it: lists of messages, and hashes of what is in hand. It keeps no consumers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, ClassVar

import redis

from agents.queues import kombu_message, redis_scripts
from agents.queues.names import is_queue
from agents.queues.values import Binding, Consumer, Figures, Held, QueueKind, Reading, Waiting
from core import clock
from core.brokers.api import BrokerUrl
from core.brokers.kombu_lists import SEPARATOR, list_of
from core.brokers.redis_line import RedisLine

# How many queues one script is asked for: a script holds up everybody else.
TOGETHER = 100
# Of a database of millions of keys a part is looked through with every reading, until all were seen.
SCANNED, SCANS = 1_000, 20
# With more in hand than that, what is each queue's own is not told apart.
MOST_HELD = 5_000
BINDING = "_kombu.binding."
PRIORITIES = range(10)
KOMBU_UNACKED, UNACKED, DELAYED = "unacked", "postroom.unacked", "postroom.delayed.messages"


class RedisBroker(RedisLine):
    """See `agents.queues.api.Broker`."""

    peeks_in_place = True
    # A script of many queues is short; who waits for more holds up the sampling.
    answer_seconds: ClassVar[float] = 5.0

    def __init__(self, broker: BrokerUrl) -> None:
        super().__init__(broker)
        self._cursor = 0
        self._bindings: dict[str, set[Binding]] = {}

    def read(self, known: Collection[str]) -> Reading:
        with self._speaking() as client:
            self._discover(client)
            found = {binding.queue for some in self._bindings.values() for binding in some}
            names = sorted(name for name in found | set(known) if is_queue(name))
            in_hand, delayed = self._in_hand(client), self._delayed(client)
            figures = tuple(
                self._figures(name, said, in_hand, delayed) for name, said in self._asked(client, names)
            )
        return Reading(clock.now(), figures)

    def peek(self, queue: str, limit: int, *, knowing_that_it_counts: bool = False) -> Sequence[Waiting]:
        found: list[Waiting] = []
        with self._speaking() as client:
            for priority in PRIORITIES:
                if len(found) < limit:
                    texts: Any = client.lrange(list_of(queue, priority), len(found) - limit, -1)
                    found += [kombu_message.waiting(text, priority) for text in reversed(texts)]
        return found

    def consumers(self, queue: str) -> Sequence[Consumer]:
        return []

    def held(self, queue: str, limit: int) -> Sequence[Held]:
        with self._speaking() as client:
            return [each for each in self._each_held(client) if each.queue == queue][:limit]

    def bindings(self, queue: str) -> Sequence[Binding]:
        with self._speaking() as client:
            self._discover(client)
        found = {binding for some in self._bindings.values() for binding in some}
        return sorted((each for each in found if each.queue == queue), key=lambda each: each.exchange)

    def _asked(self, client: redis.Redis, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Many small scripts in one go: each is short, and there is one round trip."""
        with client.pipeline(transaction=False) as pipe:
            for start in range(0, len(names), TOGETHER):
                pipe.eval(redis_scripts.QUEUES, 0, *names[start : start + TOGETHER])
            answers = [said for some in pipe.execute() for said in some]
        return zip(names, answers, strict=True)

    def _figures(
        self, name: str, said: Any, in_hand: Counter[str] | None, delayed: Counter[str] | None
    ) -> Figures:
        depth, memory, heads = said
        id, at = _oldest(heads)
        return Figures(
            name=name,
            kind=QueueKind.LIST,
            depth=depth,
            unacknowledged=None if in_hand is None else in_hand[name],
            delayed=None if delayed is None else delayed[name],
            memory=memory,
            head_id=id,
            head_at=at,
        )

    def _in_hand(self, client: redis.Redis) -> Counter[str] | None:
        """How many deliveries of each queue are in hand; None when they are too many to look at."""
        if client.hlen(KOMBU_UNACKED) + client.hlen(UNACKED) > MOST_HELD:
            return None
        return Counter(each.queue for each in self._each_held(client))

    def _each_held(self, client: redis.Redis) -> Iterator[Held]:
        for tail in self._tails(client, KOMBU_UNACKED):
            exchange, key = kombu_message.owner_in(tail)
            yield Held("", self._queue_of(exchange, key))
        for tail in self._tails(client, UNACKED):
            queue, instance, since = kombu_message.claim_in(tail)
            yield Held(kombu_message.id_in(tail.replace(b'\\"', b'"')), queue, instance, since)

    def _delayed(self, client: redis.Redis) -> Counter[str] | None:
        if client.hlen(DELAYED) > MOST_HELD:
            return None
        return Counter(kombu_message.delayed_in(tail) for tail in self._tails(client, DELAYED))

    def _tails(self, client: redis.Redis, hash: str) -> Iterator[bytes]:
        cursor, seen = b"0", 0
        while seen < MOST_HELD:
            answer: Any = client.eval(redis_scripts.TAILS, 0, hash, cursor, 500)
            cursor, tails = answer
            yield from tails
            seen += len(tails)
            if cursor == b"0":
                return

    def _queue_of(self, exchange: str, key: str) -> str:
        """kombu notes where a message was sent; a queue that is bound by that key has it."""
        for binding in self._bindings.get(exchange, ()):
            if binding.routing_key == key:
                return binding.queue
        return key

    def _discover(self, client: redis.Redis) -> None:
        """Look through a part of the keys for kombu's bindings, and read again those that are known."""
        names = {BINDING + exchange for exchange in self._bindings}
        for _ in range(SCANS):
            self._cursor, found = _scan(client, self._cursor)
            names |= found
            if self._cursor == 0:
                break
        ordered = sorted(names)
        with client.pipeline(transaction=False) as pipe:
            for name in ordered:
                pipe.smembers(name)
            members = pipe.execute()
        self._bindings = {
            name.removeprefix(BINDING): {
                _binding(name.removeprefix(BINDING), each) for each in some if each.count(b"\x06\x16") == 2
            }
            for name, some in zip(ordered, members, strict=True)
            if some
        }


def _scan(client: redis.Redis, cursor: int) -> tuple[int, set[str]]:
    answer: Any = client.scan(cursor, match=f"{BINDING}*", count=SCANNED)
    return int(answer[0]), {name.decode(errors="replace") for name in answer[1]}


def _binding(exchange: str, member: bytes) -> Binding:
    key, _, queue = member.decode(errors="replace").split(SEPARATOR)
    return Binding(exchange, key or queue, queue)


def _oldest(heads: Sequence[bytes]) -> tuple[str, Any]:
    """Of the next messages of every priority the one that was made first, where that can be told."""
    found = [(id, kombu_message.moment_in(id)) for id in map(kombu_message.id_in, heads)]
    dated = [each for each in found if each[1] is not None]
    return min(dated, key=lambda each: each[1], default=(found or [("", None)])[0])  # type: ignore[arg-type,return-value]
