"""Attributes out of protobuf bytes. Agents repeat themselves, so what was read once is remembered."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from agents.intake import wire
from agents.intake.values import Attributes, UndecodableError, Value

SHORT = 128
MAX_DEPTH = 16
TOO_DEEP = "(nested too deep)"
MAX_REMEMBERED = 20_000
# What is longer holds an id of its own as a rule, and never comes back.
WORTH_REMEMBERING = 56
_KEY, _VALUE, _STRING = 0x0A, 0x12, 0x0A

_remembered: dict[bytes, tuple[str, Value]] = {}
_recall = _remembered.get


def read(raws: Iterable[bytes]) -> Attributes:
    """Attributes as JSON values; of two with one key the later counts.

    Raises UnicodeDecodeError for text that is not UTF-8 and UndecodableError for bytes that are no attribute.
    """
    found: Attributes = {}
    for raw in raws:
        key, value = _recall(raw) or _pair(raw)
        found[key] = value
    return found


def _pair(raw: bytes) -> tuple[str, Value]:
    pair = _short_string(raw) or _any_pair(raw)
    if len(raw) < WORTH_REMEMBERING:
        if len(_remembered) >= MAX_REMEMBERED:
            _remembered.clear()
        _remembered[raw] = pair
    return pair


def _short_string(raw: bytes) -> tuple[str, str] | None:
    """The usual attribute, a short key and a short string, read in place: key tag, length, key, value tag,
    length, string tag, length, string. None: it is another one, and protobuf reads it.

    A length below 128 is one byte on the wire, and so each byte stands where the ones before it say.
    """
    if not 8 <= len(raw) < SHORT or raw[0] != _KEY:
        return None
    key_end = 2 + raw[1]
    text = key_end + 4
    if text > len(raw) or raw[key_end] != _VALUE or raw[key_end + 2] != _STRING:
        return None
    if raw[key_end + 3] != len(raw) - text or raw[key_end + 1] != len(raw) - text + 2 or b"\0" in raw:
        return None
    return raw[2:key_end].decode(), raw[text:].decode()


def _any_pair(raw: bytes) -> tuple[str, Value]:
    try:
        pair = wire.KeyValue.FromString(raw)
    except DecodeError:
        raise UndecodableError("an attribute cannot be read") from None
    return text(pair.key), value(pair.value)


def text(raw: bytes) -> str:
    return clean(raw.decode()) if raw else ""


def clean(given: str) -> str:
    """Text without the NUL that no database keeps."""
    return given.replace("\0", "\N{REPLACEMENT CHARACTER}")


def value(any_value: Any, depth: int = 0) -> Value:
    """An AnyValue as JSON. What is nested deeper than MAX_DEPTH is left out and said so."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    return _READERS[kind](getattr(any_value, kind), depth)


def _array(array: Any, depth: int) -> Value:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    return [value(each, depth + 1) for each in array.values]


def _map(pairs: Any, depth: int) -> Value:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    return {text(each.key): value(each.value, depth + 1) for each in pairs.values}


def number(given: float) -> Value:
    """JSON has no word for infinity and for what is not a number; OTLP spells them out."""
    if math.isfinite(given):
        return given
    return "NaN" if math.isnan(given) else ("Infinity" if given > 0 else "-Infinity")


_READERS: dict[str, Any] = {
    "string_value": lambda given, depth: text(given),
    "bool_value": lambda given, depth: given,
    "int_value": lambda given, depth: given,
    "double_value": lambda given, depth: number(given),
    "bytes_value": lambda given, depth: base64.b64encode(given).decode(),
    "array_value": _array,
    "kvlist_value": _map,
}
