"""Traces, spans and log records as the API gives them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from agents.spans.api import LogRecord, Span
from agents.spans.listing import TraceRow
from agents.spans.values import Flag, SpanKind, Status
from agents.topology.anatomy import Anatomy
from dashboard.api.prices import CostShape
from dashboard.api.query import UtcTime
from dashboard.api.telemetry import attributes, listed, milliseconds, rfc3339

# What intake derived; the API leaves out what a span does not have.
DERIVED = (
    "environment",
    "service",
    "instance",
    "version",
    "workflow",
    "operation",
    "step",
    "system",
    "queue",
    "model",
    "tool",
    "peer",
    "message_id",
    "conversation_id",
    "error_type",
    "input_tokens",
    "output_tokens",
    "status_message",
    "scope",
)
LOG_DERIVED = (
    "environment",
    "service",
    "instance",
    "version",
    "queue",
    "message_id",
    "conversation_id",
    "error_type",
    "event_name",
    "scope",
)

TRACE_STATES = ["ok", "with errors", "failed"]


class TraceRowShape(serializers.Serializer[Any]):
    """A trace in the list; `matched` counts its spans that match the search."""

    trace_id = serializers.CharField()
    name = serializers.CharField()
    agent = serializers.CharField()
    environment = serializers.CharField()
    state = serializers.ChoiceField(TRACE_STATES)
    start = UtcTime()
    duration_ms = serializers.FloatField()
    spans = serializers.IntegerField()
    complete = serializers.BooleanField(help_text="False: it has more spans than were counted.")
    errors = serializers.IntegerField()  # type: ignore[assignment]
    agents = serializers.ListField(child=serializers.CharField())
    matched = serializers.IntegerField()


class EventShape(serializers.Serializer[Any]):
    time = UtcTime()
    name = serializers.CharField()
    attributes = serializers.DictField()


class LinkShape(serializers.Serializer[Any]):
    trace_id = serializers.CharField()
    span_id = serializers.CharField()
    attributes = serializers.DictField()


class SpanShape(serializers.Serializer[Any]):
    """A span. Derived fields (queue, model, message_id and the like) are there when they have a value."""

    span_id = serializers.CharField()
    parent_span_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    agent = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    start = UtcTime()
    duration_ms = serializers.FloatField()
    attributes = serializers.DictField(help_text="Payloads are masked without the right to read them.")
    resource = serializers.DictField()
    links = LinkShape(many=True)
    events = EventShape(many=True)


class SegmentShape(serializers.Serializer[Any]):
    """A piece of the critical path; without a span it is a wait in a queue."""

    span_id = serializers.CharField(allow_null=True)
    queue = serializers.CharField(allow_null=True)
    start = UtcTime()
    duration_ms = serializers.FloatField()


class GhostShape(serializers.Serializer[Any]):
    """Sent, and nobody was seen to take it."""

    span_id = serializers.CharField()
    queue = serializers.CharField()
    since = UtcTime()


class TraceShape(serializers.Serializer[Any]):
    """A trace with all its spans by start, and what held it up."""

    trace_id = serializers.CharField()
    complete = serializers.BooleanField()
    start = UtcTime()
    duration_ms = serializers.FloatField()
    spans = SpanShape(many=True)
    critical_path = SegmentShape(many=True)
    not_received = GhostShape(many=True)
    cost = CostShape()


class LogShape(serializers.Serializer[Any]):
    """A line that an agent logged."""

    time = UtcTime()
    severity = serializers.IntegerField()
    severity_text = serializers.CharField()
    body = serializers.CharField()
    agent = serializers.CharField()
    trace_id = serializers.CharField(allow_null=True)
    span_id = serializers.CharField(allow_null=True)
    attributes = serializers.DictField()


class SuggestionShape(serializers.Serializer[Any]):
    text = serializers.CharField()
    about = serializers.CharField()


class SuggestionsShape(serializers.Serializer[Any]):
    results = SuggestionShape(many=True)


class FacetsShape(serializers.Serializer[Any]):
    """`counts` has for each field its values with how many spans carry them, the most frequent first."""

    counts = serializers.DictField(child=serializers.ListField())
    total = serializers.IntegerField()
    exact = serializers.BooleanField(help_text="False: say about.")


def row_data(row: TraceRow) -> dict[str, Any]:
    return {
        "trace_id": row.trace_id.hex(),
        "name": row.name,
        "agent": row.agent,
        "environment": row.environment,
        "state": row.state,
        "start": rfc3339(row.start),
        "duration_ms": milliseconds(row.duration),
        "spans": row.spans,
        "complete": row.complete,
        "errors": row.errors,
        "agents": row.agents,
        "matched": row.matched,
    }


_KINDS = {int(kind): kind.name.lower() for kind in SpanKind}
_STATUSES = {int(status): status.name.lower() for status in Status}


def kind_word(kind: int) -> str:
    return _KINDS.get(kind, str(kind))


def status_word(status: int) -> str:
    return _STATUSES.get(status, str(status))


def span_data(span: Span) -> dict[str, Any]:
    """A span as whoever asks may see it: payloads are hidden before."""
    extra = {name: value for name in DERIVED if (value := getattr(span, name))}
    return {
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_id.hex() or None,
        "name": span.name,
        "agent": span.agent,
        "kind": kind_word(span.kind),
        "status": status_word(span.status),
        "start": rfc3339(span.start),
        "duration_ms": milliseconds(span.duration),
        "attributes": attributes(span.attributes),
        "resource": attributes(span.resource),
        "links": listed(span.links),
        "events": [_event(event) for event in listed(span.events)],
        "flags": [flag.name.lower() for flag in Flag if flag.name and span.flags & flag],
        **extra,
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "time": rfc3339(int(event.get("time", 0))),
        "name": event.get("name", ""),
        "attributes": event.get("attributes") or {},
    }


def path_data(anatomy: Anatomy) -> list[dict[str, Any]]:
    return [
        {
            "span_id": segment.span_id.hex() or None,
            "queue": segment.queue or None,
            "start": rfc3339(segment.start),
            "duration_ms": milliseconds(segment.end - segment.start),
        }
        for segment in anatomy.path
    ]


def ghost_data(anatomy: Anatomy) -> list[dict[str, Any]]:
    return [
        {"span_id": ghost.span_id.hex(), "queue": ghost.queue, "since": rfc3339(ghost.since)}
        for ghost in anatomy.ghosts
    ]


def log_data(record: LogRecord) -> dict[str, Any]:
    extra = {name: value for name in LOG_DERIVED if (value := getattr(record, name))}
    return {
        "time": rfc3339(record.time),
        "severity": record.severity,
        "severity_text": record.severity_text,
        "body": record.body,
        "agent": record.agent,
        "trace_id": record.trace_id.hex() or None,
        "span_id": record.span_id.hex() or None,
        "attributes": attributes(record.attributes),
        **extra,
    }
