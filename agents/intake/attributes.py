"""Attributes out of protobuf bytes. Agents repeat themselves, so what was read once is remembered."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from typing import Any

from agents.intake import wire
from agents.intake.limits import MAX_DEPTH, MAX_NESTED
from agents.intake.values import Attributes, Value

SHORT = 128
MAX_REMEMBERED = 20_000
# What is longer holds an id of its own as a rule, and never comes back.
WORTH_REMEMBERING = 56
TOO_DEEP, TOO_LARGE = "(nested too deep)", "(too large)"
_KEY, _VALUE, _STRING = 0x0A, 0x12, 0x0A

_key_value = wire.read("KeyValue")
_array_value, _key_value_list = wire.read("ArrayValue"), wire.read("KeyValueList")
_any_value = wire.read("AnyValue")
_remembered: dict[bytes, tuple[str, Value]] = {}
_recall = _remembered.get


def read(raws: Iterable[bytes]) -> Attributes:
    """Attributes as JSON values; of two with one key the later counts.

    Raises UnicodeDecodeError for text that is not UTF-8 and DecodeError for bytes that are no attribute.
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


def _any_pair(raw: bytes, depth: int = 0) -> tuple[str, Value]:
    pair = _key_value(raw)
    return text(pair.key), value(pair.value, depth)


def text(raw: bytes) -> str:
    """Raises UnicodeDecodeError for what is not UTF-8."""
    return clean(raw.decode()) if raw else ""


def clean(given: str) -> str:
    """Text without the NUL that no database keeps."""
    return given.replace("\0", "\N{REPLACEMENT CHARACTER}")


def value(any_value: Any, depth: int = 0) -> Value:
    """An AnyValue as JSON. What is nested too deep or too large is left out and said so."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    given = getattr(any_value, kind)
    if kind in _NESTED:
        return _nested(_NESTED[kind], given, depth)
    return _PLAIN[kind](given) if kind in _PLAIN else given


def number(given: float) -> Value:
    """JSON has no word for infinity and for what is not a number; OTLP spells them out."""
    if math.isfinite(given):
        return given
    return "NaN" if math.isnan(given) else ("Infinity" if given > 0 else "-Infinity")


def _nested(read_all: Callable[[bytes, int], Value], raw: bytes, depth: int) -> Value:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    return TOO_LARGE if len(raw) > MAX_NESTED else read_all(raw, depth + 1)


def _array(raw: bytes, depth: int) -> Value:
    return [value(_any_value(each), depth) for each in _array_value(raw).values]


def _map(raw: bytes, depth: int) -> Value:
    return dict(_any_pair(each, depth) for each in _key_value_list(raw).values)


_PLAIN: dict[str, Callable[[Any], Value]] = {
    "string_value": text,
    "double_value": number,
    "bytes_value": lambda given: base64.b64encode(given).decode(),
}
_NESTED: dict[str, Callable[[bytes, int], Value]] = {"array_value": _array, "kvlist_value": _map}
