"""Settles deliveries of RabbitMQ: everything is confirmed before the caller acknowledges.

The order is record, retry or letter, events. A crash in between delivers again: a handled message is known by its
record, a letter and an event by their ids.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from postroom.delivery.api import Delivery, Done, Retry, Settlement, UnansweredError
from postroom.delivery.message import body_of
from postroom.delivery.rabbitmq import queues
from postroom.delivery.rabbitmq.confirmed import Confirmed
from postroom.delivery.rabbitmq.queues import Declared

logger = logging.getLogger(__name__)
JSON: Final[Mapping[str, Any]] = {"content_type": "application/json", "content_encoding": "utf-8"}
# A delay queue that was made in the moment in which its broker was killed is there and has no leader, for good: it
# takes a message and never confirms it. There is another one to wait in, so nobody waits long to find out.
DELAY_PATIENCE: Final = 5.0
SILENT_SECONDS: Final = 60.0
CARRIED: Final = ("correlation_id", "reply_to", "message_id", "type", "app_id", "timestamp")


class NoRecordError(ValueError):
    """RabbitMQ keeps no idempotency records: give the settler a store's `record`."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class RabbitSettler:
    """One virtual host. `record` writes the idempotency record: RabbitMQ itself has nowhere to keep one."""

    def __init__(self, url: str, *, record: Callable[[Done], None] | None = None, **options: Any) -> None:
        self._publisher, self._record = Confirmed(url, **options), record
        # Delay queues that did not answer, and until when they are passed by.
        self._silent: dict[str, float] = {}

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """See the protocol; the caller acknowledges afterwards."""
        if settlement.done is not None:
            self._note(settlement.done)
        if settlement.retry is not None:
            self._delay(delivery.queue, settlement.retry)
        if settlement.letter is not None:
            self.hand_over(settlement.letter)
        self.tell(settlement.events)

    def tell(self, events: Iterable[bytes]) -> None:
        """See the protocol. Several travel as one list."""
        entries = list(events)
        if entries:
            body = entries[0] if len(entries) == 1 else b"[" + b",".join(entries) + b"]"
            self._publisher.publish(queues.kept(queues.EVENTS), body, **JSON)

    def hand_over(self, letter: bytes) -> None:
        """See the protocol."""
        self._publisher.publish(queues.kept(queues.LETTERS), letter, **JSON)

    def close(self) -> None:
        """See the protocol."""
        self._publisher.close()

    def _note(self, done: Done) -> None:
        if self._record is None:
            raise NoRecordError
        self._record(done)

    def _delay(self, queue: str, retry: Retry) -> None:
        """In the delay queue of its time; in the next one when that says nothing. Its own time it carries itself."""
        seconds = queues.bucket(retry.after)
        own, other = queues.delay(seconds, queue), queues.delay(2 * seconds, queue)
        if not (self._answers(own) and self._is_put_aside(own, retry)):
            self._put_aside(other, retry)

    def _answers(self, where: Declared) -> bool:
        """Did it, when it was last asked?"""
        return time.monotonic() > self._silent.get(where.name, 0)

    def _is_put_aside(self, where: Declared, retry: Retry) -> bool:
        try:
            self._put_aside(where, retry)
        except UnansweredError as problem:
            self._silent[where.name] = time.monotonic() + SILENT_SECONDS
            logger.warning("a retry waits in another queue: %s", problem)
            return False
        return True

    def _put_aside(self, where: Declared, retry: Retry) -> None:
        message: Mapping[str, Any] = retry.message
        properties = message.get("properties", {})
        self._publisher.publish(
            where,
            body_of(message),
            patience=DELAY_PATIENCE,
            content_type=message.get("content-type"),
            content_encoding=message.get("content-encoding"),
            application_headers=message.get("headers") or {},
            priority=properties.get("priority") or 0,
            expiration=queues.expiration(retry.after),
            **{name: properties[name] for name in CARRIED if properties.get(name)},
        )
