"""The front door of delivery: what the handler loop asks of a broker, whichever it is.

A delivery ends in exactly one settlement. On Redis a settlement is one script, so all of it happens or nothing. On
RabbitMQ its publishes are confirmed one after the other before the delivery is acknowledged, so a crash in between
delivers again: the idempotency record then says what is done already, and a repeated event or letter carries the same
id and changes nothing. One contract suite (sdk/tests/contract) runs on both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class DeliveryError(Exception):
    """The broker did not confirm. Nothing is settled; the message will be delivered again."""


class UnansweredError(DeliveryError):
    """The broker took the message and said nothing in time. It may have it or not; it is sent again."""


class ClaimLostError(DeliveryError):
    """The claim on this delivery ran out and another worker has the message. Nothing was settled by this one."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One handing-over of a message. `tag` and `claim` are the broker's own; `claim` fences off a late worker."""

    queue: str
    message_id: str
    tag: str
    claim: str = ""
    redelivered: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """The message comes back to its queue by itself after `after` seconds; nobody's memory holds it meanwhile.

    `message` is the whole message to send (body, headers, properties as kombu has them), its attempt counted up.
    """

    after: float
    message: dict[str, object]


@dataclass(frozen=True, slots=True)
class Done:
    """The idempotency record: the message is handled, and its result is kept for `keep` seconds."""

    key: str
    result: bytes
    keep: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a delivery. Events and the letter are JSON as docs/concepts/wire.md has it.

    `acknowledge` is false where the message was acknowledged before it was handled (Celery's early acknowledgement).
    """

    events: tuple[bytes, ...] = ()
    letter: bytes | None = None
    retry: Retry | None = None
    done: Done | None = None
    acknowledge: bool = True


class Settler(Protocol):
    """Settles deliveries of one broker. May be used by threads; opens its connection in each process that uses it."""

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """All of it, durably, before this returns. Raises DeliveryError or ClaimLostError, and then it may be
        repeated. On Redis it acknowledges as well; on RabbitMQ the caller acknowledges afterwards."""

    def tell(self, events: Iterable[bytes]) -> None:
        """Events outside of a delivery (`sent`, `running`), durable when this returns. Raises DeliveryError."""

    def hand_over(self, letter: bytes) -> None:
        """A letter outside of a delivery (from the spool), confirmed when this returns. Raises DeliveryError."""

    def close(self) -> None:
        """Let go of this process's connections."""
