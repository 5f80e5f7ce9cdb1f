"""What the ledger's events tell of queues: who came and went, how long they waited and took, and when each was sent.

Followed from where the ledger is when the watcher begins; what was told before is no rate of now.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connections

from agents.ledger.models import EventRow, MessageRow
from agents.ledger.values import Kind, micros, moment
from agents.queues.values import QueueKey
from agents.topology.sketch import Sketch
from core import clock
from core.databases import TELEMETRY

AT_ONCE = 5_000
MOST_REMEMBERED = 200_000
# Of each queue: when the last so many messages were sent.
MOST_SENT = 20_000
# A queue of which nothing was told for so long may have consumers that tell nothing.
HEARD_SECONDS = 600.0
ENDS = frozenset({Kind.SUCCEEDED, Kind.DEAD, Kind.EXPIRED, Kind.REFUSED, Kind.PURGED})
ATTEMPTED = frozenset({Kind.SUCCEEDED, Kind.DEAD, Kind.RETRYING})


class Slim(msgspec.Struct, frozen=True, gc=False):
    """An event's fields that matter here."""

    kind: str
    at: datetime
    broker: str = ""
    queue: str = ""
    attempt: int = 0
    redrive: int = 0
    duration_ms: float | None = None
    settled: str = ""


_decode = msgspec.json.Decoder(Slim).decode


@dataclass(slots=True)
class Told:
    """Of one queue. The counters only grow; the sketches are of what came since they were taken."""

    environment: str = ""
    # Somebody said on which broker it is; else it is only taken for the one that there is.
    placed: bool = False
    sent: int = 0
    left: int = 0
    sent_heard: float = 0.0
    left_heard: float = 0.0
    times: deque[int] = field(default_factory=lambda: deque(maxlen=MOST_SENT))
    wait: Sketch = field(default_factory=Sketch)
    work: Sketch = field(default_factory=Sketch)

    def counts_sent(self, now: float) -> bool:
        return now - self.sent_heard <= HEARD_SECONDS and bool(self.sent)

    def counts_left(self, now: float) -> bool:
        return now - self.left_heard <= HEARD_SECONDS and bool(self.left)

    def sent_at(self, depth: int) -> datetime | None:
        """When the message was sent that has `depth - 1` others behind it, if they are taken in order."""
        return moment(self.times[-depth]) if 0 < depth <= len(self.times) else None

    def taken(self) -> tuple[Sketch, Sketch]:
        """Wait and work since the last time."""
        found, self.wait, self.work = (self.wait, self.work), Sketch(), Sketch()
        return found


class Flow:
    """One for all brokers: their samplers ask, one loop reads on."""

    def __init__(self, brokers: list[str]) -> None:
        self._brokers = brokers
        self._lock = threading.Lock()
        self._told: dict[QueueKey, Told] = {}
        self._waits: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._cursor: int | None = None

    def follow(self) -> bool:
        """Read on. True while there is more."""
        if self._cursor is None:
            self._cursor = _newest()
            self._begin()
            return False
        rows = _after(self._cursor)
        with self._lock:
            for id, body, message, environment, broker, queue in rows:
                self._take(_decode(body), message, environment, broker, queue)
                self._cursor = id
        return len(rows) == AT_ONCE

    def of(self, key: QueueKey) -> Told:
        """What is told of a queue; nothing yet is an empty one."""
        with self._lock:
            return self._told.get(key) or Told()

    def take(self, key: QueueKey) -> tuple[Sketch, Sketch]:
        with self._lock:
            told = self._told.get(key)
            return told.taken() if told else (Sketch(), Sketch())

    def names(self, broker: str, *, placed: bool) -> set[str]:
        """The queues of a broker that messages were told of; with `placed`, only where somebody named the broker."""
        with self._lock:
            return {
                key.name
                for key, told in self._told.items()
                if key.broker == broker and (told.placed or not placed)
            }

    def _take(self, event: Slim, message: int, environment: str, broker: str, queue: str) -> None:
        key = self._key(event.broker or broker, event.queue or queue)
        # Who settles a message saw nothing come or go.
        if key is None or event.settled:
            return
        told, now = self._told.setdefault(key, Told()), clock.monotonic()
        told.environment = environment or told.environment
        told.placed = told.placed or bool(event.broker or broker)
        at = micros(event.at)
        if event.kind == Kind.SENT:
            told.sent += 1
            told.sent_heard = now
            told.times.append(at)
            self._remember((message, event.redrive), at)
        elif event.kind == Kind.RUNNING or event.kind in ATTEMPTED:
            self._began(told, event, message, at)
        if event.kind in ENDS:
            told.left += 1
            told.left_heard = now
        if event.kind in ATTEMPTED and event.duration_ms is not None:
            told.work.add(int(event.duration_ms * 1e6))

    def _began(self, told: Told, event: Slim, message: int, at: int) -> None:
        """The wait of a first attempt; an attempt that was short tells only when it ended."""
        sent = self._waits.pop((message, event.redrive), None) if event.attempt <= 1 else None
        began = at if event.kind == Kind.RUNNING else at - int((event.duration_ms or 0) * 1000)
        if sent is not None and began >= sent:
            told.wait.add((began - sent) * 1000)

    def _remember(self, key: tuple[int, int], at: int) -> None:
        self._waits[key] = at
        if len(self._waits) > MOST_REMEMBERED:
            self._waits.popitem(last=False)

    def _key(self, broker: str, queue: str) -> QueueKey | None:
        """Whoever does not name its broker means the only one, if there is one."""
        if not broker and len(self._brokers) == 1:
            broker = self._brokers[0]
        return QueueKey(broker, queue) if queue and broker in self._brokers else None

    def _begin(self) -> None:
        """What waits since before: when it was sent, so that its age is known, and where it waits."""
        waiting = MessageRow.objects.filter(state__in=(Kind.SENT, Kind.WAITING)).order_by("-since")
        rows = list(
            waiting.values_list("pk", "environment", "broker", "queue", "since", "redrive")[:MOST_SENT]
        )
        lately = MessageRow.objects.order_by("-heard").values_list("environment", "broker", "queue")[:AT_ONCE]
        with self._lock:
            for pk, environment, broker, queue, since, redrive in reversed(rows):
                if (key := self._key(broker, queue)) is not None:
                    told = self._told.setdefault(key, Told(environment))
                    told.placed = told.placed or bool(broker)
                    told.times.append(since)
                    self._remember((pk, redrive), since)
            for environment, broker, queue in reversed(list(lately)):
                if (key := self._key(broker, queue)) is not None:
                    told = self._told.setdefault(key, Told())
                    told.environment, told.placed = environment, told.placed or bool(broker)


def _newest() -> int:
    return EventRow.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _after(cursor: int) -> list[tuple[Any, ...]]:
    events, messages = EventRow._meta.db_table, MessageRow._meta.db_table
    statement = (
        f"SELECT e.id, e.body, e.message, m.environment, m.broker, m.queue FROM {events} e "  # noqa: S608
        f"JOIN {messages} m ON m.id = e.message WHERE e.id > %s ORDER BY e.id LIMIT {AT_ONCE}"
    )
    with connections[TELEMETRY].cursor() as cursor_:
        cursor_.execute(statement, [cursor])
        return list(cursor_.fetchall())
