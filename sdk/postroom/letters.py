"""Dead letters: a message that an agent gave up on, whole, as docs/concepts/wire.md has it. Declared once, here."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, TypedDict

from postroom import wire

FORMAT = 1


class Attempt(TypedDict, total=False):
    """One try of an agent at a message. `class` and `type` are of its failure."""

    number: int
    started_at: str
    duration_ms: float
    instance: str
    host: str
    version: str
    type: str
    message: str
    traceback: str
    retry_at: str | None


class Letter(TypedDict, total=False):
    """What a letter says; `death_id`, `died_at`, `queue`, `failure` and `body` are always there."""

    format: int
    death_id: str
    redelivered: bool
    died_at: str
    message_id: str
    task: str
    agent: str
    instance: str
    environment: str
    version: str
    sender: str
    queue: str
    exchange: str
    routing_key: str
    broker: str
    workflow: str
    trace_id: str
    span_id: str
    conversation_id: str
    redrive: dict[str, Any]
    failure: dict[str, str]
    attempts: Sequence[Attempt]
    headers: dict[str, Any]
    properties: dict[str, Any]
    content_type: str
    content_encoding: str
    body: str
    body_size: int


def body_fields(body: bytes) -> Letter:
    """The bytes as they came."""
    return {"body": base64.b64encode(body).decode("ascii"), "body_size": len(body)}


def encode(letter: Letter) -> bytes:
    return wire.encode(letter)
