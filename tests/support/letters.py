"""Letters as agents write them."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from agents.deadletters import wire
from agents.deadletters.values import Arrival, Origin
from core import ids

MAIN = Origin("main", "postroom.letters", "session-1")


def letter(body: bytes = b'{"order": 7}', **changes: Any) -> dict[str, Any]:
    """A whole letter; each call is another death."""
    return {
        "format": 1,
        "death_id": str(ids.new()),
        "died_at": "2026-11-26T14:03:12.123456Z",
        "message_id": str(uuid.uuid4()),
        "task": "postroom.handle",
        "agent": "extract",
        "instance": "extract-0",
        "environment": "production",
        "version": "1.8.2",
        "sender": "classify",
        "queue": "extract",
        "exchange": "",
        "routing_key": "extract",
        "broker": "main",
        "workflow": "invoices",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "failure": {
            "class": "permanent",
            "reason": "exception",
            "type": "ValueError",
            "message": "amount is negative",
        },
        "attempts": [
            {
                "number": 1,
                "started_at": "2026-11-26T14:03:12Z",
                "duration_ms": 3.2,
                "instance": "extract-0",
                "host": "node-3",
                "version": "1.8.2",
                "class": "permanent",
                "type": "ValueError",
                "message": "amount is negative",
                "traceback": 'Traceback (most recent call last):\n  File "extract.py", line 7, in handle\nValueError',
                "retry_at": None,
            }
        ],
        "headers": {"postroom-sender": "classify"},
        "properties": {"priority": 3},
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "body": base64.b64encode(body).decode(),
        "body_size": len(body),
    } | changes


def raw(**changes: Any) -> bytes:
    return json.dumps(letter(**changes)).encode()


def arrival(origin: Origin = MAIN, **changes: Any) -> Arrival:
    return wire.of_data(letter(**changes), origin)
