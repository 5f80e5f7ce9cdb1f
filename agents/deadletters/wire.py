"""A letter as it travels (docs/concepts/wire.md) becomes an arrival. Pure; whatever is wrong is said by field."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from agents.deadletters.values import Arrival, Contents, Failure, FailureClass, Origin, Reason, Redrive
from core import clock, ids
from core.brokers.amqp_values import plain
from core.brokers.api import Delivery

# Of a text that names something; of a sentence; of a traceback. What is longer is cut, never refused.
NAME, SENTENCE, TRACEBACK = 300, 2_000, 60_000
MOST_ATTEMPTS = 100
# A redrive's number and an attempt's must fit their columns.
MOST_NUMBER = 2**31 - 1
MALFORMED = "MalformedLetter"
# Names death ids of entries that carry none, so that the same entry gets the same one.
ENTRIES = UUID("6f1c2c2e-7b1f-5d0a-9a55-0c9c5b0f7a11")

NAMES = (
    *("message_id", "task", "agent", "instance", "environment", "version", "sender", "queue", "exchange"),
    *("routing_key", "broker", "workflow", "trace_id", "span_id", "conversation_id", "content_type"),
    "content_encoding",
)


class MalformedError(Exception):
    """What arrived is no letter. `field` says where."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field, self.detail = field, detail


def of_delivery(delivery: Delivery, origin: Origin) -> Arrival:
    """Whatever came off a broker is a letter; one that cannot be read says so, and keeps its bytes."""
    try:
        return of_data(_json(delivery.body), origin)
    except MalformedError as problem:
        return malformed(delivery, origin, problem)


def of_data(data: Any, origin: Origin) -> Arrival:
    """Raises MalformedError at the first field that is wrong."""
    if not isinstance(data, dict):
        raise MalformedError("", "a letter is a JSON object")
    given: dict[str, Any] = {name: text(data.get(name), NAME, name) for name in NAMES}
    if not given["queue"]:
        raise MalformedError("queue", "it is missing")
    # Where it was taken off is where it goes back to, by whatever name the agent knows that broker.
    given["broker"] = origin.broker or given["broker"]
    return Arrival(
        death_id=_uuid(data.get("death_id"), "death_id"),
        died_at=_moment(data.get("died_at"), "died_at"),
        failure=_failure(data.get("failure")),
        contents=Contents(
            body=_body(data.get("body")),
            headers=_object(data.get("headers"), "headers"),
            properties=_object(data.get("properties"), "properties"),
            attempts=_attempts(data.get("attempts")),
        ),
        origin=origin,
        redrive=_redrive(data.get("redrive")),
        again=data.get("redelivered") is not False,
        **given,
    )


def malformed(delivery: Delivery, origin: Origin, problem: MalformedError) -> Arrival:
    """A letter about a letter: nothing is thrown away because it was written wrongly."""
    digest = hashlib.sha256(delivery.body).hexdigest()
    numbered = f"{origin.broker}/{origin.source}/{delivery.id}" if delivery.id else ""
    sentence = f"{origin.source} on {origin.broker} carried something that is no letter. {problem}."
    return Arrival(
        death_id=uuid5(ENTRIES, numbered) if numbered else ids.new(),
        died_at=clock.now(),
        queue=origin.source,
        broker=origin.broker,
        failure=Failure(FailureClass.PERMANENT, Reason.REJECTED, MALFORMED, sentence[:SENTENCE]),
        contents=Contents(delivery.body, plain(delivery.headers), plain(delivery.properties)),
        origin=origin,
        content_type=text(delivery.properties.get("content_type"), NAME, ""),
        digest="" if numbered else digest,
        redelivered=delivery.redelivered,
    )


# ---- Fields ----------------------------------------------------------------------------------------------------
def text(value: Any, most: int, field: str) -> str:
    """Absent and empty are the same; a number is text to us; NUL is no character that a database keeps."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedError(field, "it must be text")
    return clean(str(value))[:most]


def clean(value: str) -> str:
    """Text that every database keeps: without NUL, and without halves of characters."""
    return value.replace("\0", "�").encode("utf-8", "replace").decode()


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise MalformedError("", f"it is not JSON ({problem})") from None


def _uuid(value: Any, field: str) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise MalformedError(field, "it must be a UUID" if value else "it is missing") from None


def _moment(value: Any, field: str) -> datetime:
    if not value:
        raise MalformedError(field, "it is missing")
    try:
        return clock.parse(str(value)).astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise MalformedError(field, str(problem)) from None


def _failure(value: Any) -> Failure:
    if not isinstance(value, dict):
        raise MalformedError("failure", "it must be an object" if value else "it is missing")
    reason = value.get("reason")
    if reason not in [*Reason]:
        raise MalformedError("failure.reason", f"it must be one of {', '.join(Reason)}")
    cls = value.get("class") or FailureClass.UNKNOWN
    if cls not in [*FailureClass]:
        raise MalformedError("failure.class", f"it must be one of {', '.join(FailureClass)}")
    kind = text(value.get("type"), NAME, "failure.type")
    return Failure(
        FailureClass(cls), Reason(str(reason)), kind, text(value.get("message"), SENTENCE, "failure.message")
    )


def _body(value: Any) -> bytes:
    if not isinstance(value, str):
        raise MalformedError(
            "body", "it must be the bytes in base64" if value is not None else "it is missing"
        )
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("body", "it is not base64") from None


def _object(value: Any, field: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(field, "it must be an object")
    return value


def _attempts(value: Any) -> tuple[Mapping[str, Any], ...]:
    if value is None:
        return ()
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or not all(isinstance(each, dict) for each in value)
    ):
        raise MalformedError("attempts", "it must be a list of objects")
    # Of very many, the last tell why it died.
    return tuple({**each, "traceback": _traceback(each)} for each in value[-MOST_ATTEMPTS:])


def _traceback(attempt: Mapping[str, Any]) -> str:
    """The end of a long one says what happened."""
    return clean(str(attempt.get("traceback") or ""))[-TRACEBACK:]


def _redrive(value: Any) -> Redrive | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MalformedError("redrive", "it must be an object")
    number = value.get("number", 0)
    if not isinstance(number, int) or not 0 <= number <= MOST_NUMBER:
        raise MalformedError("redrive.number", "it must be a whole number")
    return Redrive(_uuid(value.get("letter_id"), "redrive.letter_id"), number)
