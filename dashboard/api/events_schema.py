"""`POST /api/v1/events` in the OpenAPI schema: intake answers it, so no view of ours says what it takes."""

from __future__ import annotations

from typing import Any

from agents.intake.decode_heartbeats import MOST
from agents.intake.http_events import PATH
from agents.ledger.values import Kind, Source
from dashboard.api.heartbeats_schema import NUMBER, TEXT, content

MOMENT = {"type": "string", "format": "date-time"}
NAME = {"type": "string", "maxLength": 300}
COUNT = {"type": "integer", "minimum": 0}
NAMES = ("agent", "instance", "broker", "queue", "sender", "task", "workflow", "trace_id", "span_id")
MORE_NAMES = ("conversation_id", "parent_id", "version", "host")
SCHEMAS: dict[str, Any] = {
    "EventError": {
        "type": "object",
        "properties": {"class": TEXT, "reason": TEXT, "type": TEXT, "message": TEXT},
    },
    "Event": {
        "type": "object",
        "required": ["id", "kind", "at", "message_id"],
        "properties": {
            "id": NAME | {"description": "Told again with the same id, it changes nothing."},
            "kind": {"type": "string", "enum": [str(kind) for kind in Kind]},
            "at": MOMENT,
            "message_id": NAME,
            "environment": NAME | {"description": "Left out: the one that the token is bound to."},
            **dict.fromkeys((*NAMES, *MORE_NAMES), NAME),
            "attempt": COUNT,
            "redrive": COUNT,
            "source": {"type": "string", "enum": [str(each) for each in Source if each != Source.POSTROOM]},
            "duration_ms": {"type": "number", "minimum": 0},
            "due": MOMENT | {"description": "When a retry comes back."},
            "waits_for": NAME | {"description": "`input-required` or `auth-required`, with `waiting`."},
            "deadline": MOMENT,
            "error": {"$ref": "#/components/schemas/EventError"},
        },
    },
    "EventsTaken": {
        "type": "object",
        "description": "What was accepted is committed; what was not is listed with its place in the request.",
        "properties": {
            "accepted": NUMBER,
            "rejected": NUMBER,
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ItemRefused"}},
        },
    },
}


def add(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A post-processing hook of the schema."""
    one = {"$ref": "#/components/schemas/Event"}
    taken = content({"$ref": "#/components/schemas/EventsTaken"})
    result.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    result.setdefault("paths", {})[PATH] = {
        "post": {
            "operationId": "events_send",
            "summary": f"Steps in the lives of messages: one event, or a list of up to {MOST:,}",
            "tags": ["messages"],
            "requestBody": {
                "required": True,
                "content": content({"oneOf": [one, {"type": "array", "items": one}]}),
            },
            "security": [{"bearer": []}],
            "responses": {"200": {"description": "Committed", "content": taken}},
        }
    }
    return result
