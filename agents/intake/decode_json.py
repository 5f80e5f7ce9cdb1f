"""OTLP's JSON bytes → what they say. A pure function of the body.

Python's own protobuf JSON reader takes ids for base64 and knows no refusal of one span, so it is of no use here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from agents.intake import json_shapes as shapes
from agents.intake.attributes import TOO_DEEP, clean, number
from agents.intake.limits import MAX_DEPTH, MAX_EVENTS, MAX_ITEMS, MAX_JSON_OBJECTS, MAX_LINKS
from agents.intake.refusals import TooManyError, UnreadableError
from agents.intake.values import Attributes, Group, RawEvent, RawLink, RawLog, RawSpan, Refused, Value
from agents.spans.values import encode

T = TypeVar("T")
Sent = tuple[shapes.Resource | None, shapes.Scope | None, list[Any] | None]
MIN_INT64, MAX_INT64, MAX_UINT64 = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")

_traces = msgspec.json.Decoder(shapes.TracesRequest)
_logs = msgspec.json.Decoder(shapes.LogsRequest)
_metrics = msgspec.json.Decoder(shapes.MetricsRequest)


def traces(body: bytes) -> tuple[Group[RawSpan], ...]:
    """Raises a RefusalError when the body is no trace request; an unreadable span is Refused alone."""
    parts = _parse(_traces, body).resource_spans or ()
    return _groups(
        [(part.resource, each.scope, each.spans) for part in parts for each in part.scope_spans or ()], _span
    )


def logs(body: bytes) -> tuple[Group[RawLog], ...]:
    """Raises a RefusalError when the body is no log request; an unreadable record is Refused alone."""
    parts = _parse(_logs, body).resource_logs or ()
    return _groups(
        [(part.resource, each.scope, each.log_records) for part in parts for each in part.scope_logs or ()],
        _log,
    )


def count_metric_points(body: bytes) -> int:
    """How many data points a metrics request carries."""
    return sum(
        len(points.data_points or ())
        for part in _parse(_metrics, body).resource_metrics or ()
        for scoped in part.scope_metrics or ()
        for metric in scoped.metrics or ()
        for points in (
            metric.gauge,
            metric.sum,
            metric.histogram,
            metric.exponential_histogram,
            metric.summary,
        )
        if points
    )


def _groups(sent: list[Sent], read: Callable[[Any], T]) -> tuple[Group[T], ...]:
    if sum(len(items or ()) for _, _, items in sent) > MAX_ITEMS:
        raise TooManyError
    return tuple(_group(resource, scope, items or (), read) for resource, scope, items in sent)


def _group(
    sent: shapes.Resource | None, scope: shapes.Scope | None, items: Iterable[Any], read: Callable[[Any], T]
) -> Group[T]:
    name = clean(scope.name or "") if scope else ""
    try:
        resource = _attributes(sent.attributes if sent else None)
    except ValueError as problem:
        return Group({}, name, tuple(Refused(f"its resource: {problem}") for _ in items))
    return Group(resource, name, tuple(_each(items, read)))


def _parse(decoder: Any, body: bytes) -> Any:
    if body.count(b"{") > MAX_JSON_OBJECTS:
        raise TooManyError
    try:
        return decoder.decode(body)
    except UnicodeDecodeError:
        raise UnreadableError("The body is not UTF-8, so it is no JSON.") from None
    except msgspec.DecodeError as problem:
        raise UnreadableError(f"The body is not the JSON that this path takes: {problem}.") from None
    except RecursionError:
        raise UnreadableError("The body is nested too deep to be read.") from None


def _each(sent: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T | Refused]:
    for item in sent:
        try:
            yield read(item)
        except ValueError as problem:
            yield Refused(str(problem))


def _span(span: shapes.Span) -> RawSpan:
    status = span.status or shapes.Status()
    attributes = _attributes(span.attributes)
    return RawSpan(
        _id(span.trace_id, "traceId"),
        _id(span.span_id, "spanId"),
        _id(span.parent_span_id, "parentSpanId"),
        clean(span.name or ""),
        _enum(span.kind, KINDS, "kind"),
        _time(span.start_time_unix_nano, "startTimeUnixNano"),
        _time(span.end_time_unix_nano, "endTimeUnixNano"),
        attributes,
        encode(attributes) if attributes else b"",
        tuple(map(_event, (span.events or ())[: MAX_EVENTS + 1])),
        tuple(map(_link, (span.links or ())[: MAX_LINKS + 1])),
        _enum(status.code, STATUSES, "status.code"),
        clean(status.message or ""),
        clean(span.trace_state or ""),
    )


def _event(event: shapes.Event) -> RawEvent:
    at = _time(event.time_unix_nano, "timeUnixNano")
    return RawEvent(at, clean(event.name or ""), _attributes(event.attributes))


def _link(link: shapes.Link) -> RawLink:
    return RawLink(_id(link.trace_id, "traceId"), _id(link.span_id, "spanId"), _attributes(link.attributes))


def _log(record: shapes.Log) -> RawLog:
    attributes = _attributes(record.attributes)
    return RawLog(
        _id(record.trace_id, "traceId"),
        _id(record.span_id, "spanId"),
        _time(record.time_unix_nano, "timeUnixNano"),
        _time(record.observed_time_unix_nano, "observedTimeUnixNano"),
        _severity(record.severity_number),
        clean(record.severity_text or ""),
        _value(record.body),
        attributes,
        encode(attributes) if attributes else b"",
        clean(record.event_name or ""),
    )


def _id(given: str | None, field: str) -> bytes:
    try:
        return bytes.fromhex(given or "")
    except ValueError:
        raise ValueError(f"its {field} is not hex") from None


def _time(given: shapes.Number, field: str) -> int:
    return _whole(given, field, 0, MAX_UINT64)


def _whole(given: shapes.Number, field: str, least: int, most: int) -> int:
    """A 64-bit number as text or number. A float is taken when nothing is lost by it."""
    try:
        found = int(given or 0)
    except (ValueError, OverflowError):
        found = most + 1
    if not least <= found <= most or (isinstance(given, float) and found != given):
        raise ValueError(f"its {field} is not a whole number of 64 bits")
    return found


def _enum(given: shapes.Number, names: tuple[str, ...], field: str) -> int:
    """Numbers are the standard; SPAN_KIND_CONSUMER and CONSUMER are understood too."""
    if isinstance(given, str) and not given.lstrip("-").isdigit():
        bare = given.upper().rpartition("_")[2]
        if bare not in names:
            raise ValueError(f"its {field} is none of {', '.join(names)}")
        return names.index(bare)
    return _whole(given, field, 0, (1 << 31) - 1)


def _severity(given: shapes.Number) -> int:
    if isinstance(given, str) and given.startswith("SEVERITY_NUMBER_"):
        return SEVERITIES.get(given.removeprefix("SEVERITY_NUMBER_"), 0)
    return _whole(given, "severityNumber", 0, (1 << 31) - 1)


SEVERITIES = {
    f"{name}{step or ''}": base + max(step - 1, 0)
    for name, base in (("TRACE", 1), ("DEBUG", 5), ("INFO", 9), ("WARN", 13), ("ERROR", 17), ("FATAL", 21))
    for step in (0, 2, 3, 4)
}


def _attributes(pairs: list[shapes.KeyValue] | None) -> Attributes:
    return {clean(pair.key or ""): _value(pair.value) for pair in pairs or ()}


def _value(given: shapes.AnyValue | None, depth: int = 0) -> Value:  # noqa: PLR0911 - one answer per kind of value
    if given is None:
        return None
    if given.string_value is not None:
        return clean(given.string_value)
    if given.bool_value is not None:
        return given.bool_value
    if given.int_value is not None:
        return _whole(given.int_value, "intValue", MIN_INT64, MAX_INT64)
    if given.double_value is not None:
        return _double(given.double_value)
    if given.bytes_value is not None:
        return clean(given.bytes_value)
    return _nested(given, depth)


def _nested(given: shapes.AnyValue, depth: int) -> Value:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    if given.array_value is not None:
        return [_value(each, depth + 1) for each in given.array_value.values or ()]
    if given.kvlist_value is not None:
        pairs = given.kvlist_value.values or ()
        return {clean(pair.key or ""): _value(pair.value, depth + 1) for pair in pairs}
    return None


def _double(given: shapes.Number) -> Value:
    try:
        return number(float(given or 0))
    except (ValueError, OverflowError):
        raise ValueError("its doubleValue is not a number") from None
