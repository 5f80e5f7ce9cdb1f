"""What is said of brokers, queues and those who consume them. None means that nobody can tell, and is never zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from agents.topology.sketch import Sketch
from core import clock

# A figure that is older than so many seconds is no evidence any more, and is shown greyed.
STALE_SECONDS = 15.0


class QueueKey(NamedTuple):
    """A queue's identity."""

    broker: str
    name: str


class QueueKind(StrEnum):
    LIST = "list"  # Redis: kombu's lists, one for each priority
    CLASSIC = "classic"
    QUORUM = "quorum"
    STREAM = "stream"
    UNKNOWN = "unknown"  # RabbitMQ without its management API does not say


@dataclass(frozen=True, slots=True)
class Figures:
    """One queue in one reading of its broker. `entered`, `left` and `redelivered` are counters of the broker's own,
    which only grow while it runs."""

    name: str
    kind: QueueKind
    depth: int
    unacknowledged: int | None = None
    delayed: int | None = None
    consumers: int | None = None
    memory: int | None = None
    redelivered: int | None = None
    entered: int | None = None
    left: int | None = None
    # What is known of the message that waits longest: its id, and when it was put there.
    head_id: str = ""
    head_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a broker said at one moment. `absent`: those asked for that are not there. `note`: what it could not
    be asked, in a sentence."""

    at: datetime
    queues: tuple[Figures, ...] = ()
    absent: frozenset[str] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True)
class BrokerState:
    """How a broker stands. `since`: when it became reachable, or stopped to be so. Never sampled: `sampled_at` is
    None, and it is not reachable."""

    name: str
    kind: str
    reachable: bool
    since: datetime
    reason: str = ""
    sampled_at: datetime | None = None
    note: str = ""
    # When its workers were asked last: without an answer there were none, or none that could.
    asked_at: datetime | None = None

    def age_s(self, now: datetime | None = None) -> float | None:
        """How old its last figures are."""
        return None if self.sampled_at is None else _seconds(self.sampled_at, now)

    def asked(self, now: datetime | None = None) -> bool:
        """Whether its workers were asked lately, so that their silence says something."""
        return self.asked_at is not None and _seconds(self.asked_at, now) <= STALE_SECONDS

    def is_fresh(self, now: datetime | None = None) -> bool:
        """Whether its figures are evidence: it answered, and lately."""
        age = self.age_s(now)
        return self.reachable and age is not None and age <= STALE_SECONDS


@dataclass(frozen=True, slots=True)
class QueueState:
    """The last figures of a queue, with the moment they are of. While its broker cannot be reached they stay, and
    `reachable` is False. `there`: False once the broker said that there is no such queue."""

    id: int
    broker: str
    name: str
    environment: str
    kind: QueueKind
    depth: int
    unacknowledged: int | None
    oldest_at: datetime | None
    # The true age is at least this: it is counted from when the message was first seen at the head.
    oldest_at_least: bool
    delayed: int | None
    consumers: int | None
    in_rate: float | None
    out_rate: float | None
    growth: float | None  # messages a second that stay; known even where in and out are not
    redeliveries: int | None
    memory: int | None
    sampled_at: datetime
    reachable: bool
    there: bool = True
    # Somebody decided that nobody takes from it: then it is no fault that nobody does.
    paused: bool = False

    @property
    def key(self) -> QueueKey:
        return QueueKey(self.broker, self.name)

    @property
    def oldest_age_s(self) -> float | None:
        """By the time of the sample: figures that are no longer renewed do not grow old by themselves."""
        return (
            None if self.oldest_at is None else max(0.0, (self.sampled_at - self.oldest_at).total_seconds())
        )

    def age_s(self, now: datetime | None = None) -> float:
        """How old these figures are."""
        return _seconds(self.sampled_at, now)

    def is_fresh(self, now: datetime | None = None) -> bool:
        """Whether these figures are evidence."""
        return self.reachable and self.age_s(now) <= STALE_SECONDS


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits, as a peek saw it. Its body is a payload: mask it for whoever may not read those."""

    message_id: str
    task: str = ""
    sender: str = ""
    priority: int = 0
    redelivered: bool = False
    sent_at: datetime | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    size: int = 0
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that somebody has in hand and did not settle. What the broker does not know is empty."""

    message_id: str
    queue: str
    instance: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Consumer:
    """Whoever takes messages from a queue. `told_by`: the broker itself, or the worker that answered."""

    queue: str
    name: str
    told_by: str
    agent: str = ""
    instance: str = ""
    unacknowledged: int | None = None
    prefetch: int | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """A way into a queue."""

    exchange: str
    routing_key: str
    queue: str


@dataclass(frozen=True, slots=True)
class Running:
    """What a worker runs now. `id` is Celery's task id, by which it can be asked to end it."""

    id: str
    task: str
    queue: str = ""
    message_id: str = ""
    started_at: datetime | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A Celery worker (the library's agents run in one, too), as it last answered. Without an answer for a while
    it may be gone, or busy in its one thread: `answered_at` says how long."""

    broker: str
    name: str
    queues: tuple[str, ...]
    concurrency: int | None
    pool: str
    running: tuple[Running, ...]
    answered_at: datetime
    prefetch: int | None = None
    pid: int | None = None
    host: str = ""

    def answers(self, now: datetime | None = None) -> bool:
        return _seconds(self.answered_at, now) <= STALE_SECONDS


@dataclass(slots=True)
class Tally:
    """What the samples of a stretch of time come to. Tallies of stretches that follow each other add up; `last` is
    the later one's."""

    samples: int = 0
    depth_sum: int = 0
    depth_min: int = 0
    depth_max: int = 0
    depth_last: int = 0
    unacked_max: int = 0
    delayed_max: int = 0
    age_max: float = 0.0  # seconds
    consumers_min: int | None = None
    consumers_max: int | None = None
    memory_max: int = 0
    # How many came and went in the seconds of which that is known; and how many the broker delivered again.
    entered: float = 0.0
    left: float = 0.0
    counted_s: float = 0.0
    redelivered: int = 0
    wait: Sketch = field(default_factory=Sketch)
    work: Sketch = field(default_factory=Sketch)


def minute_of(moment: datetime) -> int:
    """Minutes since 1970: what samples are kept by."""
    return int(moment.timestamp()) // 60


class Point(NamedTuple):
    """A queue's tally of `level` minutes from `start` (minutes since 1970)."""

    start: int
    level: int
    tally: Tally


class Quantiles(NamedTuple):
    """Seconds, of so many messages; None where there were none."""

    messages: int
    p50: float | None
    p95: float | None
    p99: float | None


class Times(NamedTuple):
    """How long messages of a queue waited, and how long handling one took."""

    wait: Quantiles
    work: Quantiles


def _seconds(since: datetime, now: datetime | None) -> float:
    return ((now or clock.now()) - since) / timedelta(seconds=1)
