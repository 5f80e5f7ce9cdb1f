"""The words of the search language: which names stand for which fields, and how their values read.

One table; the parser, the autocomplete and the page that explains the language are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.spans.values import Flag, SpanKind, Status

UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9}
LONG_UNITS = UNITS | {"h": 3_600 * 10**9, "d": 86_400 * 10**9}
SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([a-zµ]+)")


class Kind:
    """How a field's value is written."""

    TEXT = "text"
    NUMBER = "number"
    DURATION = "duration"
    CHOICE = "choice"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Word:
    """A name in the language. `choices` are the values it may have, with what they mean to the store."""

    name: str
    field: str
    about: str
    kind: str = Kind.TEXT
    choices: Mapping[str, int] | None = None


def _choices(enum: type[SpanKind] | type[Status] | type[Flag]) -> dict[str, int]:
    return {str(each.name).lower(): int(each) for each in enum}


_SHARED = (
    Word("agent", "agent", "the agent that did it"),
    Word("service", "service", "service.name"),
    Word("instance", "instance", "service.instance.id"),
    Word("version", "version", "the agent's version"),
    Word("environment", "environment", "where it ran"),
    Word("queue", "queue", "the queue that was sent to or received from"),
    Word("message", "message_id", "a message's id"),
    Word("conversation", "conversation_id", "a conversation's id"),
    Word("error.type", "error_type", "the type of the error"),
    Word("trace", "trace_id", "a trace id, in hex", Kind.ID),
    Word("span", "span_id", "a span id, in hex", Kind.ID),
    Word("flag", "flags", "what the receiver noted", Kind.CHOICE, _choices(Flag)),
)
SPAN_WORDS = (
    *_SHARED,
    Word("workflow", "workflow", "the workflow it was part of"),
    Word("operation", "operation", "what was done"),
    Word("name", "name", "the span's name"),
    Word("kind", "kind", "the span's kind", Kind.CHOICE, _choices(SpanKind)),
    Word("status", "status", "how it ended", Kind.CHOICE, _choices(Status)),
    Word("step", "step", "create, send, receive, process or settle"),
    Word("duration", "duration", "how long it took: 250ms, 2s, 1.5m", Kind.DURATION),
    Word("system", "system", "the messaging system, or the model's provider"),
    Word("model", "model", "the language model"),
    Word("tool", "tool", "the tool that was called"),
    Word("peer", "peer", "the outside service that was called"),
    Word("parent", "parent_id", "the parent's span id, in hex", Kind.ID),
    Word("tokens.in", "input_tokens", "tokens read by the model", Kind.NUMBER),
    Word("tokens.out", "output_tokens", "tokens written by the model", Kind.NUMBER),
)
LOG_WORDS = (
    *_SHARED,
    Word("severity", "severity", "how grave: trace to fatal, or 1 to 24", Kind.CHOICE, SEVERITIES),
    Word("event", "event_name", "the event's name"),
)


def amount(raw: str, units: Mapping[str, int]) -> int:
    """A number and a unit as nanoseconds; ValueError says what is allowed."""
    match = _AMOUNT.fullmatch(raw)
    if not match or match[2] not in units:
        raise ValueError(f"it must be a number and one of {', '.join(units)}, such as 2s")
    return int(float(match[1]) * units[match[2]])


def number(raw: str) -> int | float:
    try:
        return int(raw)
    except ValueError:
        pass
    try:
        return float(raw)
    except ValueError:
        raise ValueError("it must be a number") from None


def hexadecimal(raw: str) -> str:
    try:
        bytes.fromhex(raw)
    except ValueError:
        raise ValueError("it must be an id in hex") from None
    return raw.lower()


def choice(word: Word, raw: str) -> int:
    choices = word.choices or {}
    if raw.lower() in choices:
        return choices[raw.lower()]
    if raw.isdigit():
        return int(raw)
    raise ValueError(f"allowed are {', '.join(choices)}")


_READERS: dict[str, Callable[[str], str | int | float]] = {
    Kind.TEXT: str,
    Kind.NUMBER: number,
    Kind.DURATION: lambda raw: amount(raw, UNITS),
    Kind.ID: hexadecimal,
}


def read(word: Word, raw: str) -> str | int | float:
    """A value as the store compares it; ValueError completes the sentence "… is refused: "."""
    return choice(word, raw) if word.kind == Kind.CHOICE else _READERS[word.kind](raw)
