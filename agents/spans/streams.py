"""The two streams that the store keeps, and for each how its fields are packed, indexed and looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.spans.columns import IDS, LINES, NUMBERS, WORDS, Coding
from agents.spans.values import LogRecord, Span

_CODINGS = {
    "span_id": IDS,
    "parent_id": IDS,
    "start": NUMBERS,
    "duration": NUMBERS,
    "time": NUMBERS,
    "observed": NUMBERS,
    "input_tokens": NUMBERS,
    "output_tokens": NUMBERS,
    "attributes": LINES,
    "events": LINES,
    "links": LINES,
}


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One stream. `core` is what a search looks at, `details` what it needs to show a row or to match text.

    The values of the `series` fields together are a series: few in all, so that blocks are indexed by them.
    `named` fields are looked up through the block's filter, `handles` through the index of handles.
    """

    number: int
    value: type[Any]
    time: str
    core: Mapping[str, Coding]
    details: Mapping[str, Coding]
    series: tuple[str, ...]
    named: tuple[str, ...]
    handles: tuple[tuple[str, bytes], ...]
    trace_tag: bytes
    text: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.value._fields)


def _stream(value: type[Any], details: tuple[str, ...], **rest: Any) -> Stream:
    codings = {name: _CODINGS.get(name, WORDS) for name in value._fields}
    return Stream(
        value=value,
        core={name: coding for name, coding in codings.items() if name not in details},
        details={name: codings[name] for name in details},
        **rest,
    )


SPANS = _stream(
    Span,
    ("status_message", "trace_state", "scope", "resource", "attributes", "events", "links"),
    number=1,
    time="start",
    series=(
        "environment",
        "agent",
        "agent_name",
        "service",
        "version",
        "workflow",
        "operation",
        "kind",
        "status",
        "step",
        "system",
        "queue",
        "model",
        "tool",
        "peer",
        "error_type",
        "flags",
    ),
    named=("name", "instance"),
    handles=(("message_id", b"m"), ("conversation_id", b"c")),
    trace_tag=b"t",
    text=("name", "status_message", "attributes", "events"),
)

LOGS = _stream(
    LogRecord,
    ("body", "scope", "resource", "attributes"),
    number=2,
    time="time",
    series=(
        "environment",
        "agent",
        "agent_name",
        "service",
        "version",
        "severity",
        "event_name",
        "queue",
        "error_type",
        "flags",
    ),
    named=("instance", "severity_text"),
    handles=(("message_id", b"n"), ("conversation_id", b"d")),
    trace_tag=b"l",
    text=("body", "attributes"),
)
