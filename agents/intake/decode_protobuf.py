"""Protobuf bytes → what they say. A pure function of the body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import DecodeError

from agents.intake import attributes, wire
from agents.intake.attributes import clean, text
from agents.intake.limits import MAX_EVENTS, MAX_ITEMS, MAX_LINKS
from agents.intake.refusals import TooManyError, UnreadableError
from agents.intake.values import Attributes, Group, RawEvent, RawLink, RawLog, RawSpan, Refused
from agents.spans.values import encode

T = TypeVar("T")
NOT_UTF8, UNREADABLE = "its text is not UTF-8", "it cannot be read"
NOT_THE_MESSAGE = "The body is not the protobuf message that this path takes."
# Resources that are remembered: so many, and none that is long.
MAX_RESOURCES, WORTH_REMEMBERING = 500, 1_024
METRIC_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")

_request, _part, _scoped = wire.read("Request"), wire.read("ResourcePart"), wire.read("ScopePart")
_resource, _metric = wire.read("Resource"), wire.read("Metric")
_span_of, _log_of = wire.read("Span"), wire.read("LogRecord")
_event_of, _link_of = wire.read("Event"), wire.read("Link")
_resources: dict[bytes, tuple[Attributes, str]] = {}


def traces(body: bytes) -> tuple[Group[RawSpan], ...]:
    """Raises a RefusalError when the body is no trace request; an unreadable span is Refused alone."""
    return _groups(body, _span)


def logs(body: bytes) -> tuple[Group[RawLog], ...]:
    """Raises a RefusalError when the body is no log request; an unreadable record is Refused alone."""
    return _groups(body, _log)


def count_metric_points(body: bytes) -> int:
    """How many data points a metrics request carries."""
    return sum(_points(metric) for _, scoped in _walk(body) for metric in scoped.items)


def _groups(body: bytes, read: Callable[[bytes], T]) -> tuple[Group[T], ...]:
    groups: list[Group[T]] = []
    room = MAX_ITEMS
    for part, scoped in _walk(body):
        room -= len(scoped.items)
        if room < 0:
            raise TooManyError
        resource, why = _resource_of(b"".join(part.resource))
        items = tuple(Refused(why) for _ in scoped.items) if why else tuple(_each(scoped.items, read))
        groups.append(Group(resource, clean(scoped.scope.name.decode(errors="replace")), items))
    return tuple(groups)


def _walk(body: bytes) -> Iterator[tuple[Any, Any]]:
    """Every part of one resource with every part of one scope in it."""
    room = MAX_ITEMS
    try:
        for part in map(_part, _request(body).parts):
            room -= 1 + len(part.scoped)
            if room < 0:
                raise TooManyError
            yield from ((part, scoped) for scoped in map(_scoped, part.scoped))
    except DecodeError:
        raise UnreadableError(NOT_THE_MESSAGE) from None


def _points(raw: bytes) -> int:
    try:
        metric = _metric(raw)
    except DecodeError:
        raise UnreadableError("The body holds a metric that cannot be read.") from None
    return sum(len(getattr(metric, kind).data_points) for kind in METRIC_KINDS)


def _resource_of(raw: bytes) -> tuple[Attributes, str]:
    """A resource's attributes, or none and what is wrong with them: its items are refused for it.

    A process says the same of itself in each of its requests, so that is read once.
    Sent in pieces it is one message: on the wire, messages on end are messages merged.
    """
    found = _resources.get(raw)
    if found is None:
        found = _read_resource(raw)
        if len(raw) <= WORTH_REMEMBERING:
            if len(_resources) >= MAX_RESOURCES:
                _resources.clear()
            _resources[raw] = found
    return found


def _read_resource(raw: bytes) -> tuple[Attributes, str]:
    try:
        sent = _resource(raw).attributes
    except DecodeError:
        raise UnreadableError(NOT_THE_MESSAGE) from None
    try:
        return attributes.read(sent), ""
    except UnicodeDecodeError:
        return {}, f"its resource: {NOT_UTF8}"
    except DecodeError:
        return {}, f"its resource: {UNREADABLE}"


def _each(sent: Iterable[bytes], read: Callable[[bytes], T]) -> Iterator[T | Refused]:
    for item in sent:
        try:
            yield read(item)
        except UnicodeDecodeError:
            yield Refused(NOT_UTF8)
        except DecodeError:
            yield Refused(UNREADABLE)


def _span(raw: bytes) -> RawSpan:
    span = _span_of(raw)
    status, events, links = span.status, span.events, span.links
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
        # One more than is kept, so that the cut is seen and marked.
        tuple(map(_event, events[: MAX_EVENTS + 1])) if events else (),
        tuple(map(_link, links[: MAX_LINKS + 1])) if links else (),
        status.code,
        text(status.message),
        text(span.trace_state),
    )


def _event(raw: bytes) -> RawEvent:
    event = _event_of(raw)
    return RawEvent(event.time, text(event.name), attributes.read(event.attributes))


def _link(raw: bytes) -> RawLink:
    link = _link_of(raw)
    return RawLink(link.trace_id, link.span_id, attributes.read(link.attributes))


def _log(raw: bytes) -> RawLog:
    record = _log_of(raw)
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
