"""Lifecycle events: one step in the life of a message, as docs/concepts/wire.md has it. Declared once, here."""

from __future__ import annotations

from time import time
from typing import Any, Final, Literal, TypedDict

from postroom import ids, moments, wire

SENT: Final = "sent"
WAITING: Final = "waiting"
RECEIVED: Final = "received"
RUNNING: Final = "running"
RETRYING: Final = "retrying"
SUCCEEDED: Final = "succeeded"
DEAD: Final = "dead"
EXPIRED: Final = "expired"
REFUSED: Final = "refused"
PURGED: Final = "purged"

# In the order of their rank; the last five share one.
KINDS: Final = (SENT, WAITING, RECEIVED, RUNNING, RETRYING, SUCCEEDED, DEAD, EXPIRED, REFUSED, PURGED)

Kind = Literal[
    "sent",
    "waiting",
    "received",
    "running",
    "retrying",
    "succeeded",
    "dead",
    "expired",
    "refused",
    "purged",
]


class Event(TypedDict, total=False):
    """What an event may say; `id`, `kind`, `at` and `message_id` are always there."""

    id: str
    kind: str
    at: str
    message_id: str
    agent: str
    instance: str
    environment: str
    broker: str
    queue: str
    sender: str
    task: str
    workflow: str
    trace_id: str
    span_id: str
    conversation_id: str
    parent_id: str
    attempt: int
    redrive: int
    version: str
    host: str
    source: str
    duration_ms: float
    due: str
    waits_for: str
    deadline: str
    error: dict[str, str]


def make(kind: str, message_id: str, common: Event, **more: Any) -> Event:
    """An event that happens now."""
    event: Event = {"id": ids.new(), "kind": kind, "at": moments.text(time()), "message_id": message_id}
    event.update(common)
    event.update(more)  # type: ignore[typeddict-item]
    return event


def encode(event: Event) -> bytes:
    return wire.encode_object(event)
