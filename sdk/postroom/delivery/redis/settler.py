"""Settles deliveries of Redis: one script, so all of it happens or nothing.

It may be used by a prefork child while its parent holds the channel: the parent's own acknowledgement then finds the
claim gone, and does nothing.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from bisect import bisect
from collections.abc import Iterable, Sequence
from typing import Any, Final

from kombu.utils.json import dumps
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from postroom.delivery.api import ClaimLostError, Delivery, DeliveryError, Settlement
from postroom.delivery.redis import address, keys, scripts

# As kombu's Redis transport has them unless its options say otherwise.
PRIORITY_STEPS: Final = (0, 3, 6, 9)
SEPARATOR: Final = "\x06\x16"
ATTEMPTS: Final = 3


class RedisSettler:
    """One Redis. Repeating a settlement whose answer got lost changes nothing."""

    def __init__(
        self,
        url: str,
        *,
        priority_steps: Sequence[int] = PRIORITY_STEPS,
        sep: str = SEPARATOR,
        **options: Any,
    ) -> None:
        self._url, self._options = url, options
        self._steps, self._separator = list(priority_steps), sep
        self._lock, self._pid = threading.Lock(), 0

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """See the protocol."""
        answer = self._ask(
            lambda: self._settle(keys=_keys(delivery, settlement), args=self._arguments(delivery, settlement))
        )
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

    def _arguments(self, delivery: Delivery, settlement: Settlement) -> list[Any]:
        done = settlement.done
        return [
            delivery.tag if settlement.acknowledge else "",
            keys.SETTLED_SECONDS,
            settlement.letter or "",
            done.result if done else "",
            max(int(done.keep * 1000), 1) if done else 0,
            *self._retry(delivery, settlement),
            delivery.message_id,
            *settlement.events,
        ]

    def _retry(self, delivery: Delivery, settlement: Settlement) -> tuple[str, float, str]:
        if settlement.retry is None:
            return "", 0, ""
        message = settlement.retry.message
        waiting = [dumps(message), delivery.queue, self._list(delivery.queue, message)]
        return secrets.token_hex(12), settlement.retry.after, json.dumps(waiting)

    def _list(self, queue: str, message: dict[str, Any]) -> str:
        """The list that kombu keeps messages of this priority in."""
        priority = message.get("properties", {}).get("priority") or 0
        step = self._steps[bisect(self._steps, min(max(int(priority), 0), 9)) - 1]
        return f"{queue}{self._separator}{step}" if step else queue


def _keys(delivery: Delivery, settlement: Settlement) -> list[str]:
    own = [keys.UNACKED, keys.UNACKED_DUE, keys.DELAYED, keys.DELAYED_MESSAGES, keys.EVENTS, keys.LETTERS]
    record = settlement.done.key if settlement.done else ""
    return [*own, keys.SETTLED + delivery.tag, record, keys.SLOTS + delivery.queue]
