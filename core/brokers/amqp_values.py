"""What AMQP's headers hold and JSON does not: moments, bytes, exact decimals. Pure.

A message in custody keeps its headers as JSON, and goes out again with what it came with; so each of these becomes an
object with one name that says what it is, and that object becomes the value again (docs/concepts/wire.md).
"""

from __future__ import annotations

import base64
import binascii
import calendar
import math
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

MOMENT, BYTES, DECIMAL, FLOAT = "$time", "$bytes", "$decimal", "$float"
# What fits AMQP's whole numbers.
SHORT, LONG = 2**31, 2**63


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Mapping):
        return {_name(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return _as_json(value)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return {MOMENT: moment.isoformat().replace("+00:00", "Z")}
    if isinstance(value, bytes | bytearray | memoryview):
        return {BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Decimal):
        return {DECIMAL: str(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: str(value)}
    return value if value is None or isinstance(value, str | int | float) else str(value)


def typed(value: Any) -> Any:
    """As AMQP has it: what `plain` made of a value is that value again; all else is as it was."""
    if isinstance(value, Mapping):
        return _meant(value) if len(value) == 1 else {name: typed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [typed(each) for each in value]
    return value


def table(values: Mapping[str, Any]) -> bytes:
    """A table as it travels, without its length in front. A client of ours would write bytes as text."""
    found = b""
    for name, value in values.items():
        written = name.encode("utf-8", "replace")[:255]
        found += struct.pack("B", len(written)) + written + _item(value)
    return found


def _meant(value: Mapping[str, Any]) -> Any:
    ((name, said),) = value.items()
    read = READ.get(name)
    if read is None or not isinstance(said, str):
        return {name: typed(said)}
    try:
        return read(said)
    except (ValueError, binascii.Error, InvalidOperation):
        # Somebody else's object that only looks like one of ours.
        return {name: said}


READ: Final[Mapping[str, Callable[[str], Any]]] = {
    MOMENT: datetime.fromisoformat,
    BYTES: lambda said: base64.b64decode(said, validate=True),
    DECIMAL: Decimal,
    FLOAT: float,
}


def _name(name: Any) -> str:
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else str(name)


def _item(value: Any) -> bytes:
    """The letters are those that RabbitMQ and its clients use."""
    if isinstance(value, str):
        return _long(b"S", value.encode("utf-8", "replace"))
    if isinstance(value, bytes):
        return _long(b"x", value)
    if isinstance(value, Mapping):
        return _long(b"F", table(value))
    if isinstance(value, list | tuple):
        return _long(b"A", b"".join(_item(each) for each in value))
    return _short_item(value)


def _short_item(value: Any) -> bytes:
    """What has a length of its own."""
    if value is None:
        return b"V"
    if isinstance(value, datetime):
        return struct.pack(">cQ", b"T", calendar.timegm(value.utctimetuple()))
    if isinstance(value, Decimal):
        return _decimal(value)
    return _number(value)


def _long(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content)) + content


def _number(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack(">cB", b"t", value)
    if isinstance(value, float):
        return struct.pack(">cd", b"d", value)
    if -SHORT <= value < SHORT:
        return struct.pack(">ci", b"I", value)
    return struct.pack(">cq", b"l", value) if -LONG <= value < LONG else _item(str(value))


def _decimal(value: Decimal) -> bytes:
    """A whole number and how many of its digits stand behind the point; one that is too long is text."""
    _, _, exponent = value.as_tuple()
    scale = max(0, -exponent) if isinstance(exponent, int) else -1
    whole = int(value.scaleb(scale)) if 0 <= scale <= 255 else SHORT
    if not -SHORT <= whole < SHORT:
        return _item(str(value))
    return struct.pack(">cBi", b"D", scale, whole)
