"""What was sent → what Postroom keeps: who did it, where, with whom, in words of ours. Pure.

A row is made from a template that holds what its whole group has in common. Agents send the same few shapes of
attributes again and again, so which attribute fills which column is worked out once for each shape (the keys in
their order) and remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.intake import names
from agents.intake.values import Attributes, RawEvent, RawLink, RawLog, RawSpan, Value
from agents.spans.values import LogRecord, Span, SpanKind, encode

# Indexed text must fit an index entry, whatever alphabet it is in.
MAX_TEXT = 256
MAX_NUMBER = (1 << 63) - 1
MAX_SHAPES = 2_000
# Templates that are remembered: so many, and none of a long resource.
MAX_TEMPLATES, WORTH_REMEMBERING = 500, 1_024
UNKNOWN_AGENT = "unknown"

Row = list[Any]
Shape = tuple[str, ...]
# Column, attribute, and how the one is made of the other.
Pick = tuple[int, str, Callable[[Value], Any]]


class Picker:
    """Knows which attributes fill which columns of a row, for every shape of attributes it has met."""

    def __init__(self, columns: tuple[str, ...], fields: names.Names) -> None:
        self.column = {name: number for number, name in enumerate(columns)}
        self._fields = fields
        self._met: dict[Shape, tuple[Pick, ...]] = {}

    def fill(self, row: Row, attributes: Attributes) -> None:
        shape = tuple(attributes)
        picks = self._met.get(shape)
        if picks is None:
            picks = self._learn(shape)
        for column, key, made_of in picks:
            row[column] = made_of(attributes[key])

    def _learn(self, shape: Shape) -> tuple[Pick, ...]:
        picks = tuple(
            (self.column[field], key, _reader(field))
            for field, keys in self._fields.items()
            if (key := next((key for key in keys if key in shape), ""))
        )
        if len(self._met) >= MAX_SHAPES:
            self._met.clear()
        self._met[shape] = picks
        return picks


def environment_of(resource: Attributes) -> str:
    """The environment that the sender states, or nothing."""
    return next((text(resource[key]) for key in names.ENVIRONMENT if resource.get(key)), "")


def span_template(resource: Attributes, scope: str, environment: str) -> Row:
    return _template(_EMPTY_SPAN, _span_origin, resource, scope, environment)


def log_template(resource: Attributes, scope: str, environment: str) -> Row:
    return _template(_EMPTY_LOG, _log_origin, resource, scope, environment)


def span(raw: RawSpan, template: Row) -> Span:
    """The first eight columns in their order, then what the attributes say, then what few spans have."""
    row = template.copy()
    row[:8] = (
        raw.trace_id,
        raw.span_id,
        raw.parent_span_id,
        raw.start,
        raw.end - raw.start,
        raw.name,
        raw.kind,
        raw.status,
    )
    row[_OPERATION] = raw.name[:MAX_TEXT]
    if raw.attributes:
        _span_picker.fill(row, raw.attributes)
        row[_ATTRIBUTES] = raw.encoded
        if row[_STEP] == "receive" and row[_SCOPE].startswith(names.PROCESSING_AS_RECEIVING):
            row[_STEP] = "process"
    if raw.kind != SpanKind.CLIENT or row[_QUEUE] or row[_MODEL] or row[_TOOL]:
        # Only a call to something that is none of these has an outside service at its other end.
        row[_PEER] = ""
    if raw.flags or raw.status_message or raw.trace_state or raw.events or raw.links:
        _add_rare(row, raw)
    return Span._make(row)


def log(raw: RawLog, template: Row) -> LogRecord:
    row = template.copy()
    row[:8] = (
        raw.time,
        raw.observed,
        raw.trace_id,
        raw.span_id,
        raw.severity,
        raw.severity_text,
        raw.body if isinstance(raw.body, str) else _json(raw.body),
        raw.event_name,
    )
    row[_LOG_FLAGS] = raw.flags
    if raw.attributes:
        _log_picker.fill(row, raw.attributes)
        row[_LOG_ATTRIBUTES] = raw.encoded
    return LogRecord._make(row)


def text(value: Value) -> str:
    """A value as a column's text: short enough for an index, JSON for what is no text."""
    return (value if isinstance(value, str) else _json(value))[:MAX_TEXT]


def _json(value: Value) -> str:
    return "" if value is None else encode(value).decode()


def _number(value: Value) -> int:
    """A count; whatever is none counts as nothing."""
    try:
        return min(max(int(value), 0), MAX_NUMBER)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0


def _step(value: Value) -> str:
    return names.STEPS.get(text(value).lower(), "")


def _reader(field: str) -> Callable[[Value], Any]:
    if field in names.NUMBERS:
        return _number
    return _step if field == "step" else text


def _template(empty: Row, origin: Picker, resource: Attributes, scope: str, environment: str) -> Row:
    """Kept for the next request of the same process. Whoever fills one takes a copy."""
    encoded = encode(resource) if resource else b""
    key = (origin, encoded, scope, environment)
    row = _templates.get(key)
    if row is None:
        row = _new_template(empty, origin, resource, scope, environment)
        row[origin.column["resource"]] = encoded
        if len(encoded) <= WORTH_REMEMBERING:
            if len(_templates) >= MAX_TEMPLATES:
                _templates.clear()
            _templates[key] = row
    return row


def _new_template(empty: Row, origin: Picker, resource: Attributes, scope: str, environment: str) -> Row:
    row = empty.copy()
    origin.fill(row, resource)
    at = origin.column
    row[at["environment"]] = environment[:MAX_TEXT]
    row[at["scope"]] = scope[:MAX_TEXT]
    return row


def _add_rare(row: Row, raw: RawSpan) -> None:
    row[_FLAGS], row[_STATUS_MESSAGE], row[_TRACE_STATE] = raw.flags, raw.status_message, raw.trace_state
    if raw.events:
        row[_EVENTS] = encode([_event(each) for each in raw.events])
        row[_ERROR_TYPE] = row[_ERROR_TYPE] or _exception(raw.events)
    if raw.links:
        row[_LINKS] = encode([_link(each) for each in raw.links])


def _event(event: RawEvent) -> dict[str, Any]:
    return {"time": event.time, "name": event.name, "attributes": event.attributes}


def _link(link: RawLink) -> dict[str, Any]:
    return {"trace_id": link.trace_id.hex(), "span_id": link.span_id.hex(), "attributes": link.attributes}


def _exception(events: tuple[RawEvent, ...]) -> str:
    """The type of the last exception that the span recorded."""
    types = [event.attributes.get("exception.type") for event in events if event.name == "exception"]
    return text(types[-1]) if types else ""


_EMPTY_SPAN: Row = list(Span(b"", b"", b"", 0, 0, "", agent=UNKNOWN_AGENT, agent_name=UNKNOWN_AGENT))
_EMPTY_LOG: Row = list(LogRecord(0, 0, agent=UNKNOWN_AGENT, agent_name=UNKNOWN_AGENT))
_OPERATION, _QUEUE, _MODEL, _TOOL, _PEER, _ERROR_TYPE, _FLAGS, _ATTRIBUTES, _EVENTS, _LINKS = map(
    Span._fields.index,
    ("operation", "queue", "model", "tool", "peer", "error_type", "flags", "attributes", "events", "links"),
)
_STATUS_MESSAGE, _TRACE_STATE, _STEP, _SCOPE = map(
    Span._fields.index, ("status_message", "trace_state", "step", "scope")
)
_LOG_FLAGS, _LOG_ATTRIBUTES = map(LogRecord._fields.index, ("flags", "attributes"))
_span_origin, _log_origin = (Picker(columns, names.RESOURCE) for columns in (Span._fields, LogRecord._fields))
_templates: dict[tuple[Picker, bytes, str, str], Row] = {}
_span_picker = Picker(Span._fields, names.SPAN)
_log_picker = Picker(LogRecord._fields, names.LOG)
