"""The queues that the library declares on RabbitMQ, as docs/concepts/wire.md has them. Pure."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

EVENTS: Final = "postroom.events"
LETTERS: Final = "postroom.letters"
# RabbitMQ takes a time to live of 2^32 milliseconds at most, which is 49 days.
LONGEST_DELAY: Final = 2**22


class Declared(NamedTuple):
    """A durable queue on the default exchange."""

    name: str
    arguments: dict[str, Any]


def kept(name: str) -> Declared:
    """Where events and letters wait for Postroom: whoever fails to take one again and again does not lose it."""
    return Declared(name, {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000})


def agent_queue(name: str) -> Declared:
    """A queue of an agent."""
    return Declared(name, {"x-queue-type": "quorum"})


def bucket(after: float) -> int:
    """The delay queue for so many seconds: powers of two, so that there are few of them for any queue."""
    return int(min(2 ** math.ceil(math.log2(max(after, 1))), LONGEST_DELAY))


def delay(after: float, queue: str) -> Declared:
    """Where a retry waits. It moves on at least once: it is forgotten here when the other queue has confirmed it.

    A message carries its own, shorter time too. One that waits behind a longer one of the same bucket comes at the
    end of the bucket's time at the latest.
    """
    seconds = bucket(after)
    arguments = {
        "x-queue-type": "quorum",
        "x-message-ttl": seconds * 1000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return Declared(f"postroom.delay.{seconds}.{queue}", arguments)


def expiration(after: float) -> str:
    """The message's own time to live, in milliseconds as AMQP wants it."""
    return str(min(max(int(after * 1000), 0), LONGEST_DELAY * 1000))
