"""Settles deliveries of RabbitMQ: everything is confirmed before the caller acknowledges.

The order is record, retry or letter, events. A crash in between delivers again: a handled message is known by its
record, a letter and an event by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from postroom.delivery.api import Delivery, Done, Retry, Settlement
from postroom.delivery.message import body_of
from postroom.delivery.rabbitmq import queues
from postroom.delivery.rabbitmq.confirmed import Confirmed

JSON: Final = {"content_type": "application/json", "content_encoding": "utf-8"}
CARRIED: Final = ("correlation_id", "reply_to", "message_id", "type", "app_id", "timestamp")


class NoRecordError(ValueError):
    """RabbitMQ keeps no idempotency records: give the settler a store's `record`."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class RabbitSettler:
    """One virtual host. `record` writes the idempotency record: RabbitMQ itself has nowhere to keep one."""

    def __init__(self, url: str, *, record: Callable[[Done], None] | None = None, **options: Any) -> None:
        self._publisher, self._record = Confirmed(url, **options), record

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
        message: Mapping[str, Any] = retry.message
        properties = message.get("properties", {})
        self._publisher.publish(
            queues.delay(retry.after, queue),
            body_of(message),
            content_type=message.get("content-type"),
            content_encoding=message.get("content-encoding"),
            application_headers=message.get("headers") or {},
            priority=properties.get("priority") or 0,
            expiration=queues.expiration(retry.after),
            **{name: properties[name] for name in CARRIED if properties.get(name)},
        )
