"""The front door of idempotency: who may handle a message, and what came of it.

A key has one owner at a time, who holds it by a lease and renews it while the handler runs. A worker that dies lets
go by itself, when its lease runs out. One contract suite (sdk/tests/contract) runs on all stores.

What each store can promise about a crash between the effect and the record:

- Redis on the broker's own Redis: the record is part of the settlement. A crash before it repeats the effect.
- A SQL store, its `finish_within` in the transaction of the effect: both or neither, so exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from postroom.delivery.api import Done


class LeaseLostError(Exception):
    """Another worker has taken over this message: undo what was done for it, or let its transaction roll back."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key}: {self.__doc__}")


class StoreUnavailableError(Exception):
    """The idempotency store cannot be reached; nothing was begun, and the message should be tried again later."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody has handled this yet; the caller is its owner now."""

    key: str
    owner: str


@dataclass(frozen=True, slots=True)
class InProgress:
    """Somebody else is at it; come back when his lease is over, in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Handled:
    """It is done, and this came of it."""

    result: bytes


class Store(Protocol):
    """Durable, and for any number of threads; opens its connections in each process that uses it."""

    def begin(self, key: str, lease: float, owner: str = "") -> Fresh | InProgress | Handled:
        """Take the key, unless it is taken or done. The same owner may begin again.

        `owner` is the tag of the delivery where its claim is kept in the same Redis: then the lease ends with the
        claim. Otherwise it stays empty, and the lease is what counts. Raises StoreUnavailableError.
        """

    def renew(self, fresh: Fresh, lease: float) -> None:
        """So many seconds from now. Raises LeaseLostError."""

    def finish(self, fresh: Fresh, result: bytes, keep: float) -> None:
        """It is done; the result is kept for `keep` seconds. Raises LeaseLostError."""

    def release(self, fresh: Fresh) -> None:
        """It failed, and may be begun again at once. Nothing happens if it is ours no more."""

    def record(self, done: Done) -> None:
        """What a settlement says: done, whoever had it. For a settler whose broker keeps no records."""

    def close(self) -> None:
        """Let go of this process's connections."""


class TransactionalStore(Store, Protocol):
    """A store in the database that the effects go to."""

    def finish_within(self, connection: Any, fresh: Fresh, result: bytes, keep: float) -> None:
        """As `finish`, in the transaction that is open on this connection; the caller commits.

        Raises LeaseLostError, and then the transaction must be rolled back.
        """
