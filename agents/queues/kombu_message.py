"""Messages as kombu writes them into Redis: what can be told of one without handling it. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from agents.queues.values import Waiting

MESSAGE_ID, SENDER = "postroom-message-id", "postroom-sender"
_IDS = tuple(
    re.compile(rb'"' + name + rb'": ?"([^"\\]{1,300})"')
    for name in (b"postroom-message-id", b"id", b"correlation_id")
)
_STRING = rb'"((?:[^"\\]|\\.)*)"'
# [message, exchange, routing key] of kombu; [message, queue, instance, moment, list] and [message, queue, list] ours.
_KOMBU_END = re.compile(rb", ?" + _STRING + rb", ?" + _STRING + rb"\]$")
_CLAIM_END = re.compile(rb", ?" + _STRING + rb", ?" + _STRING + rb", ?([0-9.eE+]+), ?" + _STRING + rb"\]$")


def id_in(text: bytes) -> str:
    """The message's id, from the whole message or from its end; empty when neither names one."""
    for pattern in _IDS:
        if found := pattern.search(text):
            return found[1].decode(errors="replace")
    return ""


def moment_in(id: str) -> datetime | None:
    """When a message was made, where its id says so (UUIDv7)."""
    try:
        uuid = UUID(id)
    except ValueError:
        return None
    return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC) if uuid.version == 7 else None


def owner_in(tail: bytes) -> tuple[str, str]:
    """Exchange and routing key, from the end of what kombu notes of a delivery."""
    found = _KOMBU_END.search(tail)
    return (_text(found[1]), _text(found[2])) if found else ("", "")


def claim_in(tail: bytes) -> tuple[str, str, datetime | None]:
    """Queue, instance and moment, from the end of what the library notes of a claim."""
    found = _CLAIM_END.search(tail)
    if not found:
        return "", "", None
    return _text(found[1]), _text(found[2]), datetime.fromtimestamp(float(found[3]), UTC)


def delayed_in(tail: bytes) -> str:
    """The queue, from the end of what the library notes of a message that comes back later."""
    found = _KOMBU_END.search(tail)
    return _text(found[1]) if found else ""


def waiting(text: bytes, priority: int = 0) -> Waiting:
    """A message that waits. What is no message of kombu's is shown as its bytes."""
    try:
        said = json.loads(text)
        headers, properties = dict(said.get("headers") or {}), dict(said.get("properties") or {})
        body = _body(said.get("body"), properties)
    except (ValueError, AttributeError, TypeError):
        return Waiting(message_id="", body=text, size=len(text))
    id = str(headers.get(MESSAGE_ID) or headers.get("id") or properties.get("correlation_id") or "")
    return Waiting(
        message_id=id,
        task=str(headers.get("task") or ""),
        sender=str(headers.get(SENDER) or headers.get("origin") or ""),
        priority=_number(properties.get("priority"), priority),
        # The library puts a space in front each time a message comes back unsettled; kombu says it in the message.
        redelivered=text[:1] == b" "
        or bool(_info(properties).get("redelivered") or headers.get("redelivered")),
        sent_at=moment_in(id),
        headers=headers,
        body=body,
        size=len(body),
        content_type=str(said.get("content-type") or ""),
    )


def _body(body: Any, properties: Mapping[str, Any]) -> bytes:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if properties.get("body_encoding") != "base64":
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except (ValueError, binascii.Error):
        return raw


def _info(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    found = properties.get("delivery_info")
    return found if isinstance(found, dict) else {}


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) else default


def _text(quoted: bytes) -> str:
    try:
        return str(json.loads(b'"' + quoted + b'"'))
    except ValueError:
        return quoted.decode(errors="replace")
