"""Which attributes carry what was said rather than what happened, and how they look to who may not read payloads.

An exception's message is no payload here, as it is none on a letter: without it nobody can tell what failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from agents.spans.api import LogRecord, Reach, Span
from agents.spans.values import attributes_of, decode, encode
from core.access.api import Place

Row = TypeVar("Row", Span, LogRecord)

# Keys by the conventions for models, tools, messages, requests and databases, the older names too.
_PAYLOAD = re.compile(
    r"""
    gen_ai\.(input|output)\.messages | gen_ai\.system_instructions | gen_ai\.(prompt|completion)(\..*)?
    | gen_ai\.tool\.(call\.(arguments|result)|definitions) | gen_ai\.retrieval\..* | gen_ai\.event\.content
    | llm\.(prompts?|completions?|input_messages|output_messages|invocation_parameters|prompt_template)(\..*)?
    | (input|output)\.value | (traceloop\.entity\.|mcp\.(request|response)\.)?(input|output|arguments|result)
    | retrieval\.documents(\..*)? | embedding\.(text|embeddings)(\..*)? | tool\.parameters
    | (messaging\.)?(message|rpc\.message|rpc\.request|rpc\.response)\.(body|content|payload|headers?)(\.(?!size).*)?
    | messaging\.message\.headers?(\..*)? | (body|payload|content|message\.content)
    | http\.(request|response)\.(body|header)(\.(?!size).*)? | url\.query | http\.(url|target)
    | db\.(statement|query\.text|query\.parameter\..*|query\.parameters|operation\.parameter\..*|response\.rows)
    | (celery|task|job)\.(args|kwargs|arguments|result) | exception\.locals | code\.locals(\..*)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Events of the older convention for models: the whole event is a message.
_PAYLOAD_EVENT = re.compile(r"gen_ai\.(.*\.message|choice|content\..*)")


def is_payload(key: str) -> bool:
    return _PAYLOAD.fullmatch(key) is not None


def mask(value: Any) -> str:
    """What stands in place of a payload: that there is one, and how large it is."""
    size = len(value.encode()) if isinstance(value, str) else len(encode(value))
    return f"[masked, {size:,} bytes]"


def masked(attributes: Mapping[str, Any], *, everything: bool = False) -> dict[str, Any]:
    return {key: mask(value) if everything or is_payload(key) else value for key, value in attributes.items()}


def masked_event(event: Mapping[str, Any]) -> dict[str, Any]:
    whole = _PAYLOAD_EVENT.fullmatch(str(event.get("name", ""))) is not None
    return {**event, "attributes": masked(event.get("attributes") or {}, everything=whole)}


def hidden(row: Row) -> Row:
    """The row as somebody sees it who may not read payloads."""
    attributes = encode(masked(attributes_of(row.attributes))) if row.attributes else b""
    if isinstance(row, Span) and row.events:
        events = encode([masked_event(event) for event in decode(row.events)])
        return row._replace(attributes=attributes, events=events)
    return row._replace(attributes=attributes)


def place_of(row: Span | LogRecord) -> Place:
    return Place(row.environment or None, row.queue or None, row.agent or None)


def veil(may_read: Reach) -> Callable[[Row], Row]:
    """Hides payloads where they may not be read."""

    def as_seen(row: Row) -> Row:
        return row if may_read(place_of(row)) else hidden(row)

    return as_seen
