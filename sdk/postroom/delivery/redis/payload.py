"""What a claim hands to kombu, and the letter about bytes that are no message."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from kombu.utils.json import loads

from postroom import ids
from postroom.delivery.redis.inlet import Claimed


class NoMessageError(ValueError):
    """This is no message of kombu's; it was put aside as a letter."""


def as_payload(claim: Claimed) -> dict[str, Any]:
    """The message as kombu wants it, known by its claim. One space in front for each delivery before this one."""
    payload = _read(claim.message)
    properties = payload.setdefault("properties", {})
    properties["delivery_tag"] = claim.tag
    info = properties.setdefault("delivery_info", {})
    info["queue"] = claim.queue
    if before := len(claim.message) - len(claim.message.lstrip(b" ")):
        info["redelivered"], info["deliveries_before"] = True, before
        payload.setdefault("headers", {})["redelivered"] = True
    return payload


def _read(message: bytes) -> dict[str, Any]:
    try:
        payload = loads(message.decode())
    except ValueError as problem:
        raise NoMessageError(f"not JSON: {problem}") from problem
    if not isinstance(payload, dict) or "body" not in payload:
        raise NoMessageError("no JSON object with a body")
    return payload


def letter_about(claim: Claimed, problem: NoMessageError) -> bytes:
    """The bytes as they came, so that nothing that was sent is lost."""
    failure = {"class": "permanent", "reason": "rejected", "type": "NoMessageError", "message": str(problem)}
    letter = {
        "format": 1,
        "death_id": ids.new(),
        "died_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "queue": claim.queue,
        "failure": failure,
        "body": base64.b64encode(claim.message).decode(),
        "body_size": len(claim.message),
    }
    return json.dumps(letter).encode()
