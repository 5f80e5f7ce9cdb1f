"""Cuts what is oversized, and marks it: the item is kept, and its attribute `postroom.cut` names what is shorter now.

Whether anything needs cutting is seen by a few lengths. Only then is each part looked at.
"""

from __future__ import annotations

from msgspec.structs import replace

from agents.intake.limits import MAX_ATTRIBUTES, MAX_EVENTS, MAX_KEY, MAX_LINKS, MAX_NAME, MAX_VALUE
from agents.intake.values import Attributes, RawEvent, RawLink, RawLog, RawSpan, Value
from agents.spans.values import Flag, encode

MARK = "postroom.cut"
MAX_MARKS = 20
ELLIPSIS = "…"
TRACE_ID, SPAN_ID = 16, 8


def needed(given: RawSpan) -> list[str]:
    """The names of a span's oversized parts; none for nearly every span."""
    marks: list[str] = []
    if len(given.encoded) > MAX_VALUE or len(given.attributes) > MAX_ATTRIBUTES:
        marks += oversized(given.attributes)
    if len(given.name) > MAX_NAME:
        marks.append("name")
    if len(given.status_message) > MAX_VALUE:
        marks.append("status.message")
    if len(given.trace_state) > MAX_NAME:
        marks.append("trace_state")
    if given.events and (len(given.events) > MAX_EVENTS or not all(map(_event_fits, given.events))):
        marks.append("events")
    if given.links and (len(given.links) > MAX_LINKS or not all(map(_link_fits, given.links))):
        marks.append("links")
    return marks


def span(given: RawSpan, marks: list[str]) -> RawSpan:
    """The span within its limits. A link to nowhere joins nothing, and is left out."""
    return replace(
        given,
        name=given.name[:MAX_NAME],
        status_message=str(_shortened(given.status_message)),
        trace_state=given.trace_state[:MAX_NAME],
        events=tuple(map(_event, given.events[:MAX_EVENTS])),
        links=tuple(_link(each) for each in given.links[:MAX_LINKS] if _points_somewhere(each)),
        attributes=_within(given.attributes) | {MARK: _told(marks)},
        flags=given.flags | Flag.ATTRIBUTES_CUT,
    )


def log(given: RawLog) -> RawLog:
    """The record within its limits, or as it is when it is so already."""
    marks = ["body"] if _too_big(given.body) else []
    if len(given.encoded) > MAX_VALUE or len(given.attributes) > MAX_ATTRIBUTES:
        marks += oversized(given.attributes)
    if not marks:
        return given
    attributes = _within(given.attributes) | {MARK: _told(marks)}
    return replace(
        given,
        body=_shortened(given.body),
        attributes=attributes,
        encoded=encode(attributes),
        flags=given.flags | Flag.ATTRIBUTES_CUT,
    )


def oversized(given: Attributes) -> list[str]:
    """The keys that are too long, whose value is too big, or that are one too many."""
    found = [key for key, value in given.items() if len(key) > MAX_KEY or _too_big(value)]
    return found + list(given)[MAX_ATTRIBUTES:]


def _told(marks: list[str]) -> list[Value]:
    return [mark[:MAX_KEY] for mark in marks[:MAX_MARKS]]


def _within(given: Attributes) -> Attributes:
    return {key[:MAX_KEY]: _shortened(value) for key, value in list(given.items())[:MAX_ATTRIBUTES]}


def _too_big(value: Value) -> bool:
    if isinstance(value, str):
        return len(value) > MAX_VALUE
    return isinstance(value, list | dict) and len(encode(value)) > MAX_VALUE


def _shortened(value: Value) -> Value:
    """The first part of a text, or of the JSON of anything else; a value that fits stays what it is."""
    if not _too_big(value):
        return value
    text = value if isinstance(value, str) else encode(value).decode()
    return text[: MAX_VALUE - 1] + ELLIPSIS


def _event_fits(given: RawEvent) -> bool:
    return len(given.name) <= MAX_NAME and given.time >> 63 == 0 and not oversized(given.attributes)


def _event(given: RawEvent) -> RawEvent:
    return RawEvent(min(given.time, (1 << 63) - 1), given.name[:MAX_NAME], _within(given.attributes))


def _link_fits(given: RawLink) -> bool:
    return _points_somewhere(given) and not oversized(given.attributes)


def _points_somewhere(given: RawLink) -> bool:
    return (
        len(given.trace_id) == TRACE_ID
        and len(given.span_id) == SPAN_ID
        and any(given.trace_id)
        and any(given.span_id)
    )


def _link(given: RawLink) -> RawLink:
    return replace(given, attributes=_within(given.attributes))
