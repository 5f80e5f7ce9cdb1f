"""What custody speaks of: a death as it arrives, why it was, and the states of a letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID


class State(StrEnum):
    """Where a letter is. What changes it is drawn in docs/concepts/states.md."""

    HELD = "held"
    CLAIMED = "claimed"
    DISPATCHED = "dispatched"
    PROCESSED = "processed"
    PURGED = "purged"
    ERASED = "erased"
    UNKNOWN = "unknown"


# From these a further death leads back to custody: the message was on its way, or was thought to be done with.
DIES_AGAIN = (State.CLAIMED, State.DISPATCHED, State.UNKNOWN, State.PROCESSED)
# Its message was handled or thrown away: these expire, and nothing else does.
ENDED = (State.PROCESSED, State.PURGED, State.ERASED)


class FailureClass(StrEnum):
    """Whether trying again can help."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """How a message came to die."""

    EXCEPTION = "exception"
    REJECTED = "rejected"
    DEADLINE = "deadline"
    EXPIRED = "expired"
    DELIVERY_LIMIT = "delivery_limit"
    MAX_LENGTH = "max_length"
    UNAUTHORISED = "unauthorised"


class Triage(StrEnum):
    """What people decided about a group. A group that was resolved and gets one more death is new again."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    MUTED = "muted"
    RESOLVED = "resolved"


class MoveKind(StrEnum):
    """Why letters go from one group to another."""

    MERGE = "merge"
    SPLIT = "split"
    UNDO = "undo"


class MoveState(StrEnum):
    """How far they are. A merge that is taken back is undone, and another move brings back what it moved."""

    MOVING = "moving"
    DONE = "done"
    UNDONE = "undone"


class MaskKind(StrEnum):
    """Where a rule of masking looks."""

    PATH = "path"
    HEADER = "header"
    PATTERN = "pattern"


def short_type(type_: str) -> str:
    """A type without the module that it lives in: that is moved more often than it is renamed."""
    return type_.rpartition("::")[2].rpartition(".")[2] or type_


@dataclass(frozen=True, slots=True)
class Failure:
    """Why, in one line of each kind."""

    cls: FailureClass
    reason: Reason
    type: str = ""
    message: str = ""


class Redrive(NamedTuple):
    """Which letter's message died here, and at which of its redrives."""

    letter_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a death was taken from: a broker's queue of letters, or a request. `session` is one connection to it."""

    broker: str = ""
    source: str = "http"
    session: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What only those see who may read payloads, and the attempts, which are long."""

    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One death on its way into custody. Text is cut to what a row takes, and holds no NUL.

    `digest` is empty where `death_id` tells deaths apart. Without an id of its own, a delivery is known again only by
    its bytes, and only when the broker says that it was handed over before.
    """

    death_id: UUID
    died_at: datetime
    queue: str
    failure: Failure
    contents: Contents
    origin: Origin
    environment: str = ""
    broker: str = ""
    message_id: str = ""
    task: str = ""
    agent: str = ""
    instance: str = ""
    version: str = ""
    sender: str = ""
    exchange: str = ""
    routing_key: str = ""
    workflow: str = ""
    trace_id: str = ""
    span_id: str = ""
    conversation_id: str = ""
    content_type: str = ""
    content_encoding: str = ""
    redrive: Redrive | None = None
    digest: str = ""
    redelivered: bool = False
    # A known death of this id is this one. Only who names deaths by their messages, and sees that this one's delivery
    # was the first, says otherwise: then it is this one only when it died in the same moment.
    again: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one arrival: its letter, and whether anything was new."""

    letter_id: UUID
    state: State
    new_death: bool
    new_letter: bool
