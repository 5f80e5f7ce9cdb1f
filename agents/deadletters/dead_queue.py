"""A message off a dead-letter queue that users have becomes an arrival: `x-death` says where it died and why.

Pure. Nothing here can be wrong enough to be refused: what a header does not say stays empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from agents.deadletters.values import Arrival, Contents, Failure, FailureClass, Origin, Reason, Redrive
from agents.deadletters.wire import NAME, SENTENCE, clean
from core import clock, ids
from core.brokers.amqp_values import plain
from core.brokers.api import Delivery

REASONS = {
    "rejected": Reason.REJECTED,
    "expired": Reason.EXPIRED,
    "maxlen": Reason.MAX_LENGTH,
    "delivery_limit": Reason.DELIVERY_LIMIT,
}
WORDS = {
    Reason.REJECTED: "a consumer rejected it",
    Reason.EXPIRED: "it expired before anybody took it",
    Reason.MAX_LENGTH: "the queue was full",
    Reason.DELIVERY_LIMIT: "it was delivered too often",
}
UNTOLD = "nothing on it says why"
MOST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class From:
    """What the source says of everything that arrives through it."""

    origin: Origin
    environment: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class _Died:
    """The newest entry of `x-death`."""

    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    reason: Reason | None = None
    count: int = 0
    at: datetime | None = None


def arrival(delivery: Delivery, source: From) -> Arrival:
    """Celery's messages and any other."""
    headers, properties = delivery.headers, delivery.properties
    died = _died(headers)
    queue = died.queue or source.origin.source
    return Arrival(
        death_id=ids.new(),
        died_at=died.at or clock.now(),
        queue=queue,
        failure=_failure(died),
        contents=Contents(delivery.body, plain(headers), plain(properties)),
        origin=source.origin,
        environment=source.environment,
        broker=source.origin.broker,
        agent=source.agent,
        message_id=_first(
            headers.get("postroom-message-id"), properties.get("message_id"), headers.get("id")
        ),
        task=_first(headers.get("task"), properties.get("type")),
        sender=_first(headers.get("postroom-sender"), properties.get("app_id")),
        workflow=_first(headers.get("postroom-workflow")),
        conversation_id=_first(headers.get("postroom-conversation-id")),
        trace_id=_trace(headers.get("traceparent"), 1),
        span_id=_trace(headers.get("traceparent"), 2),
        exchange=died.exchange,
        routing_key=died.routing_key,
        content_type=_first(properties.get("content_type")),
        content_encoding=_first(properties.get("content_encoding")),
        redrive=_redrive(headers.get("postroom-redrive-id")),
        digest=_digest(delivery),
        redelivered=delivery.redelivered,
    )


def _died(headers: Mapping[str, Any]) -> _Died:
    entries = headers.get("x-death")
    newest = entries[0] if isinstance(entries, list) and entries and isinstance(entries[0], dict) else None
    if newest is None:
        reason = REASONS.get(str(headers.get("x-last-death-reason") or headers.get("x-first-death-reason")))
        queue = headers.get("x-last-death-queue") or headers.get("x-first-death-queue")
        return _Died(_first(queue), reason=reason)
    keys = newest.get("routing-keys")
    count, at = newest.get("count"), newest.get("time")
    return _Died(
        _first(newest.get("queue")),
        _first(newest.get("exchange")),
        _first(keys[0] if isinstance(keys, list) and keys else ""),
        REASONS.get(str(newest.get("reason"))),
        count if isinstance(count, int) else 0,
        _moment(at),
    )


def _failure(died: _Died) -> Failure:
    why = WORDS[died.reason] if died.reason else UNTOLD
    # Always there, so that a failure reads the same the second time, but for the number.
    times = f" (deaths there: {died.count})" if died.count else ""
    said = f"The broker took it off {died.queue or 'its queue'}: {why}{times}."
    return Failure(FailureClass.UNKNOWN, died.reason or Reason.REJECTED, "", said[:SENTENCE])


def _moment(value: Any) -> datetime | None:
    """RabbitMQ's clock, in whole seconds and in UTC."""
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _first(*values: Any) -> str:
    """As text; bytes that are none are written out."""
    found = next((value for value in values if value is not None and value not in ("", b"")), "")
    said = found.decode("utf-8", "backslashreplace") if isinstance(found, bytes) else str(found)
    return clean(said)[:NAME]


def _trace(parent: Any, place: int) -> str:
    parts = str(parent or "").split("-")
    return parts[place] if len(parts) == 4 and len(parts[1]) == 32 and len(parts[2]) == 16 else ""


def _redrive(value: Any) -> Redrive | None:
    letter, _, number = str(value or "").partition(":")
    try:
        found = Redrive(UUID(letter), int(number))
    except ValueError:
        return None
    return found if 0 <= found.number <= MOST_NUMBER else None


def _digest(delivery: Delivery) -> str:
    """Of every byte that the broker handed over."""
    head = msgspec.json.encode(plain([delivery.headers, delivery.properties]), order="sorted")
    return hashlib.sha256(head + b"\0" + delivery.body).hexdigest()
