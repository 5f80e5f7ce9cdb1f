"""Idempotency as the stages use it: a message that was handled is not handled again.

On the broker's own Redis the record is part of the settlement, so there is no moment between the two; a worker that
dies leaves a claim that runs out, and its hold with it. In any other store the record is written just before the
settlement, and a hold is a lease of its own.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from postroom import payloads
from postroom.delivery.api import ClaimLostError, Done
from postroom.delivery.redis import keys
from postroom.idempotency.api import Fresh, Handled, InProgress, LeaseLostError, Store
from postroom.idempotency.keeping import keeping
from postroom.runtime.api import Incoming

logger = logging.getLogger(__name__)

LEASE: Final = 60.0
MOST_RESULT: Final = 64_000
NO_RESULT: Final = b"null"


class Records:
    """One store, and how this process uses it. `atomic`: the broker's settlement writes the record itself."""

    def __init__(self, store: Store, keep: float, *, atomic: bool) -> None:
        self.store, self._keep, self.atomic = store, keep, atomic

    def begin(self, incoming: Incoming, *, claimed: bool) -> Fresh | InProgress | Handled:
        """Raises StoreUnavailableError. `claimed`: the broker's claim lasts as long as the work."""
        owner = incoming.delivery.tag if self.atomic and claimed else ""
        return self.store.begin(keys.done(incoming.queue, incoming.message_id), LEASE, owner)

    def keeping(self, hold: Fresh | None) -> AbstractContextManager[None]:
        """Renews the hold while the handler runs."""
        return nullcontext() if hold is None else keeping(self.store, hold, LEASE)

    def done(self, hold: Fresh, result: Any) -> Done | None:
        """What the settlement has to write; nothing where the store writes it."""
        return Done(hold.key, as_bytes(result), self._keep) if self.atomic else None

    def finish(self, hold: Fresh, result: Any) -> None:
        """Just before the settlement. Raises ClaimLostError when another worker took the message over."""
        if self.atomic:
            return
        try:
            self.store.finish(hold, as_bytes(result), self._keep)
        except LeaseLostError as problem:
            raise ClaimLostError(f"{hold.key}: another worker has taken the message over.") from problem

    def finish_within(self, connection: Any, hold: Fresh, result: Any) -> None:
        """In the handler's own transaction, with its effects."""
        within: Any = getattr(self.store, "finish_within", None)
        if within is None:
            raise TypeError(f"{type(self.store).__name__} has no transactions: give the agent a SQL store.")
        within(connection, hold, as_bytes(result), self._keep)

    def release(self, hold: Fresh) -> None:
        """It failed: the next attempt may begin at once."""
        try:
            self.store.release(hold)
        except Exception:
            logger.warning("the hold on %s was not released, it runs out by itself", hold.key, exc_info=True)


def as_bytes(result: Any) -> bytes:
    """A result as the record keeps it; one that is too large, or no JSON, is not kept."""
    try:
        found = payloads.encode(result)
    except (TypeError, ValueError):
        return NO_RESULT
    return found if len(found) <= MOST_RESULT else NO_RESULT


def open_records(given: Any, broker_url: str, keep: float) -> Records | None:
    """`auto`: on a Redis broker. An address: that Redis. A store: that one. None: none."""
    from postroom.idempotency.redis_store import RedisStore
    from postroom.runtime.brokers import is_redis

    if given is None or (given == "auto" and not is_redis(broker_url)):
        return None
    if given == "auto":
        return Records(RedisStore(broker_url), keep, atomic=True)
    store = RedisStore(given) if isinstance(given, str) else given
    return Records(store, keep, atomic=False)
