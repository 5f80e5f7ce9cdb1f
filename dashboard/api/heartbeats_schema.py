"""`POST /api/v1/heartbeats` in the OpenAPI schema: intake answers it, so no view of ours says what it takes."""

from __future__ import annotations

from typing import Any

from agents.intake.decode_heartbeats import MOST
from agents.intake.http_heartbeats import PATH

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
WRONG = {
    "type": "object",
    "properties": {"index": NUMBER, "field": TEXT, "detail": TEXT, "remedy": TEXT},
}
SCHEMAS: dict[str, Any] = {
    "ItemRefused": WRONG,
    "Heartbeat": {
        "type": "object",
        "required": ["agent_id", "instance_id"],
        "properties": {
            "agent_id": {"type": "string", "maxLength": 300},
            "instance_id": {"type": "string", "maxLength": 300},
            "environment": {"type": "string", "description": "Left out: the one that the token is bound to."},
            "status": {"type": "string", "description": "`paused`, `stopping`, or anything of its own."},
            "version": TEXT,
            "load": {"type": "number", "minimum": 0},
            "in_flight": {"type": "integer", "minimum": 0},
            "at": {"type": "string", "format": "date-time"},
        },
    },
    "HeartbeatsTaken": {
        "type": "object",
        "description": "What was accepted is committed; what was not is listed with its place in the request.",
        "properties": {
            "accepted": NUMBER,
            "rejected": NUMBER,
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ItemRefused"}},
        },
    },
}


def content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def add(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A post-processing hook of the schema."""
    one = {"$ref": "#/components/schemas/Heartbeat"}
    taken = content({"$ref": "#/components/schemas/HeartbeatsTaken"})
    result.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    result.setdefault("paths", {})[PATH] = {
        "post": {
            "operationId": "heartbeats_send",
            "summary": f"Instances live: one heartbeat, or a list of up to {MOST:,}",
            "tags": ["heartbeats"],
            "requestBody": {
                "required": True,
                "content": content({"oneOf": [one, {"type": "array", "items": one}]}),
            },
            "security": [{"bearer": []}],
            "responses": {"200": {"description": "Committed", "content": taken}},
        }
    }
    return result
