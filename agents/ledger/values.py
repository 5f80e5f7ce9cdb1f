"""What the ledger speaks of: an event in the life of a message, and the message as its events tell it.

An event is read from the wire into this very struct: there is no second shape in between that could differ.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import IntFlag, StrEnum
from typing import Annotated, NamedTuple

import msgspec

from core import clock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST_NUMBER = 2**31 - 1

Needed = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Name = Annotated[str, msgspec.Meta(max_length=300)]
Text = Annotated[str, msgspec.Meta(max_length=4_000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]


class Kind(StrEnum):
    """The steps of a life, in the order in which they follow each other; the last five end it."""

    SENT = "sent"
    WAITING = "waiting"
    RECEIVED = "received"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    EXPIRED = "expired"
    REFUSED = "refused"
    PURGED = "purged"


# Derived from what did not come; no event says it and no row holds it.
LOST = "lost"
STATES = (*(str(kind) for kind in Kind), LOST)
UNDER_WAY = (Kind.SENT, Kind.WAITING, Kind.RECEIVED, Kind.RUNNING, Kind.RETRYING)
HELD_BY_AGENT = (Kind.RECEIVED, Kind.RUNNING)
# The rank of what ends a life.
LAST = 5
RANK: dict[str, int] = {kind: min(place, LAST) for place, kind in enumerate(Kind)}
_RUNNING = RANK[Kind.RUNNING]


class Source(StrEnum):
    """Who told it."""

    LIBRARY = "library"
    CELERY = "celery"
    HTTP = "http"
    SPAN = "span"
    POSTROOM = "postroom"


class Settled(StrEnum):
    """How Postroom came to say what became of a redriven message whose consumer told nothing."""

    EVENT = "event"  # it died again: its letter came into custody
    LEFT_QUEUE = "left_queue"  # it left its queue and did not come back
    HAND = "hand"  # a person said so
    UNKNOWN = "unknown"  # nothing says what became of it


class Sources(IntFlag):
    """Several of them, as a row keeps them."""

    LIBRARY = 1
    CELERY = 2
    HTTP = 4
    SPAN = 8
    POSTROOM = 16


BIT = {source: Sources[source.name] for source in Source}
# Who only looks on never had the message in its hands.
ONLOOKERS = Sources.CELERY | Sources.SPAN


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why an attempt failed."""

    class_: Name = msgspec.field(default="", name="class")
    reason: Name = ""
    type: Name = ""
    message: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One step in the life of a message. Absent and empty are the same."""

    id: Needed
    kind: Kind
    at: datetime
    message_id: Needed
    agent: Name = ""
    instance: Name = ""
    environment: Name = ""
    broker: Name = ""
    queue: Name = ""
    sender: Name = ""
    task: Name = ""
    workflow: Name = ""
    trace_id: Name = ""
    span_id: Name = ""
    conversation_id: Name = ""
    parent_id: Name = ""
    attempt: Count = 0
    redrive: Count = 0
    version: Name = ""
    host: Name = ""
    source: Source = Source.HTTP
    duration_ms: Milliseconds | None = None
    due: datetime | None = None
    waits_for: Name = ""
    deadline: datetime | None = None
    error: Fault | None = None
    # Postroom alone says these: a Settled, who settled it, and why in a sentence.
    settled: Name = ""
    by: Name = ""
    why: Name = ""

    @property
    def settles(self) -> bool:
        """Whether it is what Postroom concluded, and not what anybody saw."""
        return bool(self.settled) and self.source is Source.POSTROOM


Mark = tuple[int, int, int, int, str]


class Told(NamedTuple):
    """An event with its place in the order, and when it arrived (microseconds since 1970, by our clock)."""

    mark: Mark
    arrived: int
    event: Event

    @property
    def at(self) -> int:
        return self.mark[3]


class Key(NamedTuple):
    """A message is one within its environment: a token for one cannot touch the messages of another."""

    environment: str
    message_id: str


class Message(msgspec.Struct, gc=False):
    """What the events of one message come to. Moments are microseconds since 1970 by the clock of whoever told them,
    0 for none; `heard` is by ours."""

    environment: str
    message_id: str
    state: str = ""
    since: int = 0
    redrive: int = 0
    attempt: int = 0
    last_event: str = ""
    agent: str = ""
    instance: str = ""
    version: str = ""
    host: str = ""
    broker: str = ""
    queue: str = ""
    sender: str = ""
    task: str = ""
    workflow: str = ""
    trace_id: str = ""
    span_id: str = ""
    conversation_id: str = ""
    parent_id: str = ""
    deadline: int = 0
    due: int = 0
    waits_for: str = ""
    error: str = ""  # JSON of a Fault, or empty
    sources: int = 0
    first_seen: int = 0
    last_seen: int = 0
    heard: int = 0
    ahead: int = 0  # by how much an event claimed to be later than its arrival, at most
    settled: str = ""  # how Postroom came to its state or to nothing, where nobody else had the last word

    @property
    def key(self) -> Key:
        return Key(self.environment, self.message_id)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def moment(stamp: int) -> datetime | None:
    """None for 0: there was none."""
    return EPOCH + timedelta(microseconds=stamp) if stamp else None


def now() -> int:
    return micros(clock.now())


def rank(kind: str, waits_for: str) -> int:
    """A wait for somebody's input interrupts an attempt, and stands where running stands: time decides."""
    return _RUNNING if waits_for and kind == Kind.WAITING else RANK[kind]


def told(event: Event, arrived: int) -> Told:
    mark = (event.redrive, event.attempt, rank(event.kind, event.waits_for), micros(event.at), event.id)
    return Told(mark, arrived, event)
