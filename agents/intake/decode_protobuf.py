"""Protobuf bytes → what they say. A pure function of the body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from agents.intake import attributes, wire
from agents.intake.attributes import text
from agents.intake.values import (
    LogGroup,
    RawEvent,
    RawLink,
    RawLog,
    RawSpan,
    Refused,
    SpanGroup,
    UndecodableError,
)
from agents.spans.values import encode

NOT_UTF8 = "its text is not UTF-8"


def traces(body: bytes) -> tuple[SpanGroup, ...]:
    """Raises UndecodableError when the body is no trace request; an unreadable span is Refused alone."""
    return tuple(
        SpanGroup(resource, text_or_mark(scoped.scope.name), _items(scoped.spans, _span, problem))
        for sent in _parse(wire.TracesRequest, body).resource_spans
        for resource, problem in [_resource(sent.resource)]
        for scoped in sent.scope_spans
    )


def logs(body: bytes) -> tuple[LogGroup, ...]:
    """Raises UndecodableError when the body is no log request; an unreadable record is Refused alone."""
    return tuple(
        LogGroup(resource, text_or_mark(scoped.scope.name), _items(scoped.log_records, _log, problem))
        for sent in _parse(wire.LogsRequest, body).resource_logs
        for resource, problem in [_resource(sent.resource)]
        for scoped in sent.scope_logs
    )


def count_metric_points(body: bytes) -> int:
    """How many data points a metrics request carries."""
    return sum(
        len(getattr(metric, kind).data_points)
        for sent in _parse(wire.MetricsRequest, body).resource_metrics
        for scoped in sent.scope_metrics
        for metric in scoped.metrics
        for kind in wire.SCHEMA["Metric"]
    )


def _parse(message: Any, body: bytes) -> Any:
    try:
        return message.FromString(body)
    except DecodeError:
        raise UndecodableError("The body is not the protobuf message that this path takes.") from None


def _resource(resource: Any) -> tuple[dict[str, Any], str]:
    """A resource's attributes, or none and what is wrong with them: its items are refused for it."""
    try:
        return attributes.read(resource.attributes), ""
    except UnicodeDecodeError:
        return {}, f"its resource: {NOT_UTF8}"
    except UndecodableError as problem:
        return {}, f"its resource: {problem}"


def _items(sent: Any, read: Any, problem: str) -> tuple[Any, ...]:
    if problem:
        return tuple(Refused(problem) for _ in sent)
    return tuple(_each(sent, read))


def _each(sent: Any, read: Any) -> Iterator[Any]:
    for item in sent:
        try:
            yield read(item)
        except UnicodeDecodeError:
            yield Refused(NOT_UTF8)
        except UndecodableError as problem:
            yield Refused(str(problem))


def _span(span: Any) -> RawSpan:
    events, links, status = span.events, span.links, span.status
    found = attributes.read(span.attributes)
    return RawSpan(
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        text(span.name),
        span.kind,
        span.start,
        span.end,
        found,
        encode(found) if found else b"",
        tuple(map(_event, events)) if events else (),
        tuple(map(_link, links)) if links else (),
        status.code,
        text(status.message),
        text(span.trace_state),
    )


def _event(event: Any) -> RawEvent:
    return RawEvent(event.time, text(event.name), attributes.read(event.attributes))


def _link(link: Any) -> RawLink:
    return RawLink(link.trace_id, link.span_id, attributes.read(link.attributes))


def _log(record: Any) -> RawLog:
    found = attributes.read(record.attributes)
    return RawLog(
        record.trace_id,
        record.span_id,
        record.time,
        record.observed,
        record.severity_number,
        text(record.severity_text),
        attributes.value(record.body),
        found,
        encode(found) if found else b"",
        text(record.event_name),
    )


def text_or_mark(raw: bytes) -> str:
    """A scope's name is a label: bad bytes in it are marked and cost no span."""
    return raw.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
