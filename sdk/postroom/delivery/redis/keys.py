"""The keys that the library keeps in Redis. They are part of the agreement in docs/concepts/wire.md."""

from __future__ import annotations

from typing import Final

UNACKED: Final = "postroom.unacked"
UNACKED_DUE: Final = "postroom.unacked.due"
DELAYED: Final = "postroom.delayed"
DELAYED_MESSAGES: Final = "postroom.delayed.messages"
EVENTS: Final = "postroom.events"
LETTERS: Final = "postroom.letters"
# Who repeats a settlement whose answer got lost hears that it is done already, for as long as this marker lives.
SETTLED: Final = "postroom.settled:"
SETTLED_SECONDS: Final = 60
# What is in flight to a queue, for backpressure.
SLOTS: Final = "postroom.slots:"


def done(queue: str, message_id: str) -> str:
    """The key of the idempotency record."""
    return f"postroom.done:{queue}:{message_id}"


def running(record: str) -> str:
    """Beside a record, while it is being made: who makes it."""
    return f"{record}:running"
