"""Settles deliveries of Redis: one script, so all of it happens or nothing.

It may be used by a prefork child while its parent holds the channel: the parent's own acknowledgement then finds the
claim gone, and does nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from postroom.delivery.api import ClaimLostError, Delivery, DeliveryError, Settlement
from postroom.delivery.redis import address, keys, scripts, settling

ATTEMPTS: Final = 3


class RedisSettler:
    """One Redis. Repeating a settlement whose answer got lost changes nothing."""

    def __init__(
        self,
        url: str,
        *,
        priority_steps: Sequence[int] = settling.PRIORITY_STEPS,
        sep: str = settling.SEPARATOR,
        **options: Any,
    ) -> None:
        self._url, self._options = url, options
        self._list = partial(settling.list_of, steps=tuple(priority_steps), separator=sep)
        self._lock, self._pid = threading.Lock(), 0

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """See the protocol."""
        call = settling.call(delivery, settlement, self._list)
        answer = self._ask(lambda: self._settle(keys=call.keys, args=call.arguments))
        if answer == b"lost":
            raise ClaimLostError(
                f"the claim on {delivery.message_id} ran out and another worker has the message; nothing was settled"
            )

    def tell(self, events: Iterable[bytes]) -> None:
        """See the protocol."""
        if entries := list(events):
            self._ask(lambda: self._add(keys.EVENTS, "e", entries))

    def hand_over(self, letter: bytes) -> None:
        """See the protocol."""
        self._ask(lambda: self._add(keys.LETTERS, "l", [letter]))

    def close(self) -> None:
        """See the protocol."""
        with self._lock:
            if self._pid == os.getpid():
                self._client.close()
            self._pid = 0

    def _ask(self, step: Any) -> Any:
        self._open()
        try:
            return step()
        except RedisError as problem:
            raise DeliveryError(f"Redis did not confirm: {problem}") from problem

    def _open(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            retry = Retry(ExponentialBackoff(cap=1, base=0.05), ATTEMPTS)
            again = [RedisConnectionError, RedisTimeoutError]
            self._client = address.client(self._url, retry=retry, retry_on_error=again, **self._options)
            self._settle = self._client.register_script(scripts.SETTLE)
            self._pid = os.getpid()

    def _add(self, stream: str, field: str, entries: list[bytes]) -> None:
        with self._client.pipeline(transaction=True) as pipe:
            for entry in entries:
                pipe.xadd(stream, {field: entry})
            pipe.execute()
