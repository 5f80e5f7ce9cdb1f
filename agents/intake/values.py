"""What a request says once its bytes are read: frozen values, the same for protobuf and JSON.

Everything here is still the sender's word. `sanitize` judges it, `derive` gives it Postroom's meaning.
"""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import msgspec

# An attribute's value as JSON knows it.
Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
Attributes: TypeAlias = dict[str, Value]
T = TypeVar("T")


class Refused(msgspec.Struct, frozen=True):
    """One item that is turned away, and why; its neighbours are kept."""

    why: str


class RawEvent(msgspec.Struct, frozen=True, gc=False):
    """Something that happened within a span."""

    time: int
    name: str
    attributes: Attributes


class RawLink(msgspec.Struct, frozen=True, gc=False):
    """A span's word that it belongs to another one."""

    trace_id: bytes
    span_id: bytes
    attributes: Attributes


class RawSpan(msgspec.Struct, frozen=True, gc=False):
    """A span as it was sent. Times are nanoseconds since 1970, ids are bytes."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    name: str
    kind: int
    start: int
    end: int
    attributes: Attributes
    encoded: bytes  # the attributes as JSON, made once; empty when there are none
    events: tuple[RawEvent, ...] = ()
    links: tuple[RawLink, ...] = ()
    status: int = 0
    status_message: str = ""
    trace_state: str = ""
    flags: int = 0  # what sanitize had to say; spans.values.Flag


class RawLog(msgspec.Struct, frozen=True, gc=False):
    """A log record as it was sent. Its ids may be empty: not every line belongs to a span."""

    trace_id: bytes
    span_id: bytes
    time: int
    observed: int
    severity: int
    severity_text: str
    body: Value
    attributes: Attributes
    encoded: bytes
    event_name: str = ""
    flags: int = 0


class Group(msgspec.Struct, Generic[T], frozen=True):
    """The items of one resource (a process of an agent) and one instrumentation scope."""

    resource: Attributes
    scope: str
    items: tuple[T | Refused, ...]
