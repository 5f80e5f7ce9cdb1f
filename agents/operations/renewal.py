"""A message is renewed before it goes out again: what belonged to its old delivery ends, all else stays, byte for byte.

The publisher gives it a fresh delivery tag. Here its tries begin anew, its deadlines are cleared, shifted or kept, it
says which redrive it is, and its sender's authority is Postroom's own signature for this one redrive.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from agents.operations.message import TASK, Message, first_protocol
from agents.operations.options import Expiry

REDRIVE_ID: Final = "postroom-redrive-id"
REDRIVE_COUNT: Final = "postroom-redrive-count"
SENDER_TOKEN: Final = "postroom-sender-token"  # noqa: S105 - a header's name
ATTEMPTS: Final = "postroom-attempts"
# What another program than Celery says by `expires` and `retries` is its own affair.
OURS: Final = ("postroom-deadline",)
DEADLINES: Final = ("expires", *OURS)
EXPIRATION: Final = "expiration"
RETRIES: Final = "retries"

# Everything in which a message that was not edited differs from what died, and why; publishers see to the second half.
# All else goes out as it came, its body byte for byte.
RENEWED_HEADERS: Final[Mapping[str, str]] = {
    REDRIVE_ID: "says which redrive it is",
    REDRIVE_COUNT: "says how many there were",
    RETRIES: "its tries begin anew",
    ATTEMPTS: "they stand in the letter",
    "expires": "cleared, shifted or kept, as the plan says",
    "postroom-deadline": "cleared, shifted or kept, as the plan says",
    SENDER_TOKEN: "signed by Postroom for this one redrive",
    "x-delivery-count": "counts deliveries of the old message",
    "CC": "the queues named there had their copies",
    "BCC": "the queues named there had their copies",
}
RENEWED_PROPERTIES: Final[Mapping[str, str]] = {
    EXPIRATION: "a time to live that was kept or shifted begins anew",
    "delivery_mode": "persistent: what was rescued once is not lost in a restart",
    "delivery_tag": "of the delivery",
    "delivery_info": "of the delivery",
    "user_id": "RabbitMQ takes nobody's but the connection's own",
}

# Signs for a message that is otherwise complete; None: nothing is to be signed.
Signer = Callable[[Message], str] | None


class Redriven(NamedTuple):
    """Which redrive this is, and how long ago the message was first on its way."""

    letter: str
    number: int
    elapsed: timedelta


def renewed(message: Message, redrive: Redriven, expiry: Expiry, signer: Signer = None) -> Message:
    """The message as it goes out. Without a signer its token is left as it is: whoever was refused is refused again."""
    body, headers = _first_protocol_renewed(message, redrive, expiry), dict(message.headers)
    headers.pop(ATTEMPTS, None)
    of_celery = TASK in headers
    if RETRIES in headers and of_celery:
        headers[RETRIES] = 0
    headers |= _deadlines(headers, redrive, expiry, DEADLINES if of_celery else OURS)
    headers[REDRIVE_ID] = f"{redrive.letter}:{redrive.number}"
    headers[REDRIVE_COUNT] = redrive.number
    found = Message(
        body, headers, _properties(message.properties, expiry), message.content_type, message.content_encoding
    )
    if signer and SENDER_TOKEN in headers:
        found = replace(found, headers={**headers, SENDER_TOKEN: signer(found)})
    return found


def is_expired(message: Message, now: datetime) -> bool:
    """Is a deadline over that it would still carry if it was kept?"""
    body = first_protocol(message) or {}
    names = DEADLINES if TASK in message.headers else OURS
    said = [message.headers.get(name) for name in names] + [body.get("expires")]
    return any(moment <= now for each in said if (moment := _moment(each)))


def _deadlines(
    headers: Mapping[str, Any], redrive: Redriven, expiry: Expiry, names: Sequence[str]
) -> dict[str, Any]:
    return {
        name: _deadline(headers[name], redrive, expiry)
        for name in names
        if headers.get(name) not in (None, "")
    }


def _deadline(said: Any, redrive: Redriven, expiry: Expiry) -> Any:
    """None: no deadline any more. What cannot be read as a moment cannot be shifted, and is cleared."""
    if expiry is Expiry.KEEP:
        return said
    moment = _moment(said) if expiry is Expiry.SHIFT else None
    return (moment + redrive.elapsed).isoformat() if moment else None


def _properties(properties: Mapping[str, Any], expiry: Expiry) -> Mapping[str, Any]:
    """A time to live counts from the moment of publishing, so that keeping and shifting it are the same."""
    if expiry is not Expiry.CLEAR or EXPIRATION not in properties:
        return properties
    return {name: value for name, value in properties.items() if name != EXPIRATION}


def _first_protocol_renewed(message: Message, redrive: Redriven, expiry: Expiry) -> bytes:
    """There, tries and deadline are in the body: it is only written anew where they change."""
    body = first_protocol(message)
    if body is None:
        return message.body
    fresh = dict(body)
    if fresh.get(RETRIES):
        fresh[RETRIES] = 0
    if fresh.get("expires"):
        fresh["expires"] = _deadline(fresh["expires"], redrive, expiry)
    return message.body if fresh == body else json.dumps(fresh).encode()


def _moment(said: Any) -> datetime | None:
    """Text as RFC 3339 has it, or seconds since 1970; Celery's times without a zone are in UTC."""
    try:
        if isinstance(said, int | float) and not isinstance(said, bool):
            return datetime.fromtimestamp(said, UTC)
        found = datetime.fromisoformat(str(said)) if said else None
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
