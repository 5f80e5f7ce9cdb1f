"""What one broker says of its queues: the protocol, alone. `opening.opened` gives the implementation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Protocol, Self

from agents.queues.values import Binding, Consumer, Held, Reading, Waiting
from core.brokers.api import BrokerError

__all__ = ["Broker", "BrokerError", "PeekCountsError"]


class PeekCountsError(Exception):
    """Looking into this queue counts as a delivery of what is seen, and with a delivery limit the last look throws it
    away. Ask again with `knowing_that_it_counts`, when somebody decided so."""


class Broker(Protocol):
    """A connection to one broker, for one thread. It connects at the first question; after a BrokerError the next
    question connects anew, so one object lasts for the life of a process.

    Durability: it keeps nothing, and what it tells is as true as the moment it was read. Idempotence: every question
    but `peek` may be repeated without any trace on the broker; nothing here takes, settles, moves or locks a message.
    Ownership: the values returned are the caller's; the connection is this object's. Empty case: a broker without
    queues gives an empty Reading; a queue without messages has depth 0; a queue that is not there is in `absent`.

    Everything raises BrokerError when the broker cannot be reached or refuses: an answer is complete or not given.
    """

    @property
    def peeks_in_place(self) -> bool:
        """Whether a look into a queue leaves no trace."""

    def read(self, known: Collection[str]) -> Reading:
        """The figures of the queues that it finds by itself and of those in `known`, in a number of steps that
        grows with the number of queues, never with that of messages or of other keys."""

    def peek(self, queue: str, limit: int, *, knowing_that_it_counts: bool = False) -> Sequence[Waiting]:
        """The messages that are taken next, the first first. Raises PeekCountsError unless it leaves no trace or the
        caller knows that it does; then what was seen is back in its place, marked as redelivered."""

    def consumers(self, queue: str) -> Sequence[Consumer]:
        """Who consumes, as far as the broker itself knows; none where it does not (Redis)."""

    def held(self, queue: str, limit: int) -> Sequence[Held]:
        """Deliveries in hand, as far as the broker tells them apart (Redis); none where it does not."""

    def bindings(self, queue: str) -> Sequence[Binding]:
        """The ways into a queue, as far as the broker tells them."""

    def close(self) -> None:
        """Let go of the connection. Never fails."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...
