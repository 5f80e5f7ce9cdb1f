"""A heartbeat request's JSON → heartbeats. Pure: a bad one is refused alone, with its field and the remedy."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from agents.intake.refusals import TooManyError, UnreadableError
from agents.intake.writers import Writer
from agents.registry.values import Heartbeat
from core import clock

T = TypeVar("T")
MOST = 10_000
LARGEST_NUMBER = 2**31 - 1


class Wrong(NamedTuple):
    """One item that is turned away, by its place in the request."""

    place: int
    field: str
    detail: str
    remedy: str
    forbidden: bool = False


class Heard(NamedTuple, Generic[T]):
    """What one request comes to."""

    good: tuple[T, ...]
    wrong: tuple[Wrong, ...]


class FieldError(Exception):
    """A field that cannot be read. The text says what it must be."""


def heartbeats(body: bytes, writer: Writer, arrived: datetime) -> Heard[Heartbeat]:
    """One heartbeat or a list of them. Raises a RefusalError when the body is neither."""
    good: list[Heartbeat] = []
    wrong: list[Wrong] = []
    for index, item in enumerate(_items(body)):
        found = _one(index, item, writer, arrived)
        if isinstance(found, Wrong):
            wrong.append(found)
        else:
            good.append(found)
    return Heard(tuple(good), tuple(wrong))


def _items(body: bytes) -> list[Any]:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise UnreadableError(
            f"The body is no JSON: {problem}. Send a heartbeat or a list of them."
        ) from None
    items = said if isinstance(said, list) else [said]
    if len(items) > MOST:
        raise TooManyError(MOST)
    return items


def _one(index: int, item: Any, writer: Writer, arrived: datetime) -> Heartbeat | Wrong:
    if not isinstance(item, dict):
        return Wrong(index, "", "A heartbeat is an object.", "Send {agent_id, instance_id}.")
    fields: dict[str, Any] = {}
    for name, read in READERS.items():
        try:
            fields[name] = read(item.get(name))
        except FieldError as problem:
            return Wrong(index, name, str(problem), f"Correct {name} and send this heartbeat again.")
    fields["environment"] = writer.environment(fields["environment"])
    if why := writer.why_not(fields["environment"], fields["agent_id"]):
        remedy = "Send it with a token for this environment and agent."
        return Wrong(index, "environment", why, remedy, forbidden=True)
    return Heartbeat(arrived=arrived, **fields)


# ---- One field ---------------------------------------------------------------------------------------------------
def _text(most: int, *, required: bool = False) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value in (None, "") and required:
            raise FieldError("It is required.")
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > most:
            raise FieldError(f"It must be text of at most {most} characters.")
        if "\0" in value:
            raise FieldError("It must not contain the character NUL.")
        return value

    return read


def _load(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise FieldError("It must be a number of 0 or more: the share of what the instance can do, 1 is all.")
    return float(value)


def _in_flight(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise FieldError("It must be a whole number of 0 or more.")
    return value


def _at(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return clock.parse(value if isinstance(value, str) else repr(value))
    except ValueError as problem:
        raise FieldError(f"{problem}.") from None


READERS: dict[str, Callable[[Any], Any]] = {
    "agent_id": _text(300, required=True),
    "instance_id": _text(300, required=True),
    "environment": _text(200),
    "status": _text(200),
    "version": _text(200),
    "load": _load,
    "in_flight": _in_flight,
    "at": _at,
}
