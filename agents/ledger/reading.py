"""Events as they travel (docs/concepts/wire.md) → events. Pure: a bad one is refused alone, with its field and the
remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from agents.ledger.values import Event, Kind, Source

# A NUL cannot be stored as text. It has the same length as what stands in for it, so that nothing else moves.
NUL, STANDS_IN = b"\\u0000", b"\\ufffd"
OLDEST, NEWEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
# Where the decoder says that the fault is.
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"missing required field `([^`]*)`")
_decode = msgspec.json.Decoder(Event).decode
_one_or_list = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw]).decode
MOST_MESSAGE = 4_000
ALLOWED = {"kind": tuple(Kind), "source": tuple(each for each in Source if each is not Source.POSTROOM)}


class Fault(NamedTuple):
    """An event that cannot be taken: the field (empty: the whole of it) and what is wrong with it."""

    field: str
    detail: str


class NoEventsError(Exception):
    """This is no JSON, or neither an object nor a list."""


def pieces(body: bytes) -> list[bytes | msgspec.Raw]:
    """The events of one body, each still encoded. Raises NoEventsError."""
    if body.startswith(b"{"):
        return [body]
    try:
        found = _one_or_list(body)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as problem:
        raise NoEventsError(f"The body is no JSON of events: {problem}.") from None
    return list(found) if isinstance(found, list) else [body]


def read(piece: bytes | msgspec.Raw) -> Event | Fault:
    """One event."""
    data = bytes(piece)
    if NUL in data:
        data = data.replace(NUL, STANDS_IN)
    try:
        event = _decode(data)
    except (msgspec.DecodeError, RecursionError) as problem:
        return _once_more(data, str(problem))
    return _fitting(event)


def _once_more(data: bytes, first: str) -> Event | Fault:
    """Absent, null and empty are the same: without those it may be an event after all."""
    try:
        event = msgspec.convert(_without_empties(msgspec.json.decode(data)), Event)
    except msgspec.ValidationError as problem:
        return _fault(str(problem))
    except (msgspec.DecodeError, RecursionError):
        return _fault(first)
    return _fitting(event)


def _without_empties(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    return {name: _without_empties(value) for name, value in found.items() if value not in (None, "", {})}


def _fault(said: str) -> Fault:
    path, missing = _PATH.search(said), _MISSING.search(said)
    field = (missing[1] if missing else "") or (path[1] if path else "")
    detail = "It is required." if missing else f"{_PATH.sub('', said)}."
    allowed = ALLOWED.get(field)
    return Fault(field, f"{detail} It is one of {', '.join(allowed)}." if allowed and not missing else detail)


def _fitting(event: Event) -> Event | Fault:
    """Times with a zone, and none that no calendar holds; an error's text cut."""
    if event.at.tzinfo and OLDEST <= event.at <= NEWEST and not (event.due or event.deadline or event.error):
        return event
    changed: dict[str, Any] = {}
    for name, value in _times(event):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        if not OLDEST <= moment <= NEWEST:
            return Fault(name, "It must be a time between 1971 and 9000.")
        if moment is not value:
            changed[name] = moment
    if event.error and len(event.error.message) > MOST_MESSAGE:
        cut = event.error.message[:MOST_MESSAGE]
        changed["error"] = msgspec.structs.replace(event.error, message=cut)
    return msgspec.structs.replace(event, **changed) if changed else event


def _times(event: Event) -> Iterator[tuple[str, datetime]]:
    yield "at", event.at
    if event.due:
        yield "due", event.due
    if event.deadline:
        yield "deadline", event.deadline
