"""From what the broker handed over to an Incoming: reads headers, touches no body. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from postroom import headers as names
from postroom import moments
from postroom.delivery.api import Delivery
from postroom.runtime.api import Incoming


class Raw(NamedTuple):
    """A message on its way from the worker's main process to the one that handles it: plain values only."""

    queue: str
    tag: str
    claim: str
    redelivered: bool
    headers: dict[str, Any]
    properties: dict[str, Any]
    body: bytes | str
    content_type: str
    content_encoding: str
    exchange: str = ""
    routing_key: str = ""


def incoming(raw: Raw) -> Incoming:
    said = raw.headers
    message_id = _text(said.get(names.MESSAGE_ID) or said.get("id"))
    redrive_id, redrive = _redrive(said)
    again = raw.redelivered or said.get(names.REDELIVERED) is True
    return Incoming(
        delivery=Delivery(raw.queue, message_id, raw.tag, raw.claim, again),
        message_id=message_id,
        task=_text(said.get("task")),
        sender=_text(said.get(names.SENDER)),
        queue=raw.queue,
        body=raw.body.encode("utf-8", "surrogatepass") if isinstance(raw.body, str) else bytes(raw.body),
        content_type=raw.content_type or "",
        content_encoding=raw.content_encoding or "",
        headers=said,
        properties=raw.properties,
        attempt=_count(said.get("retries")) + 1,
        redrive=redrive,
        redrive_id=redrive_id,
        workflow=_text(said.get(names.WORKFLOW)),
        conversation_id=_text(said.get(names.CONVERSATION_ID)),
        parent_id=_text(said.get(names.PARENT_ID) or said.get("parent_id")),
        trace_id=trace_id_of(said.get(names.TRACEPARENT)),
        deadline=moments.read(said.get(names.DEADLINE)),
        exchange=raw.exchange,
        routing_key=raw.routing_key or raw.queue,
    )


def trace_id_of(traceparent: object) -> str:
    """00-<trace id>-<span id>-<flags>"""
    parts = traceparent.split("-") if isinstance(traceparent, str) else []
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else ""


def _redrive(said: Mapping[str, Any]) -> tuple[str, int]:
    """The letter's id, and the number of this redrive; 0 for a message that never was one."""
    letter, _, number = _text(said.get(names.REDRIVE_ID)).rpartition(":")
    return letter, _count(said.get(names.REDRIVE_COUNT) or number)


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _count(value: object) -> int:
    try:
        return max(0, int(value)) if isinstance(value, int | str | float) else 0
    except (ValueError, OverflowError):
        return 0
