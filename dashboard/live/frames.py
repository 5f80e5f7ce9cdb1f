"""What travels on the socket, both ways, as typed values. The one place that knows its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

import msgspec

from core import clock
from dashboard.live import limits

Rows = Mapping[str, Mapping[str, Any]]


class Close(IntEnum):
    """Why a socket is closed. static/js/live/link.js knows after which of these to come back."""

    MALFORMED = 4400
    SIGN_IN = 4401
    NO_RIGHT = 4403
    SILENT = 4408
    TOO_LARGE = 4413
    TOO_MANY = 4429
    UNAVAILABLE = 4503


# ---- From the client -------------------------------------------------------------------------------------------
class Message(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, frozen=True):
    """Anything a client says."""


class Subscribe(Message, tag="subscribe", frozen=True):
    """Follow a topic, beginning with a snapshot."""

    topic: str


class Unsubscribe(Message, tag="unsubscribe", frozen=True):
    topic: str


class Resnapshot(Message, tag="snapshot", frozen=True):
    """A delta did not follow from what the client holds."""

    topic: str


class Ack(Message, tag="ack", frozen=True):
    """Everything up to this mark has been read."""

    mark: str


class MalformedError(Exception):
    """A message that is not part of the protocol."""

    def __init__(self, code: Close, says: str) -> None:
        super().__init__(says)
        self.code = code


Said = Subscribe | Unsubscribe | Resnapshot | Ack
_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


def read(text: str | None) -> Said:
    """A client's message, or MalformedError with the field and the remedy."""
    if text is None:
        raise MalformedError(Close.MALFORMED, "Binary messages are not understood. Send JSON text.")
    if len(text) > limits.MESSAGE_BYTES:
        raise MalformedError(
            Close.TOO_LARGE, f"The message is longer than {limits.MESSAGE_BYTES} characters."
        )
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as problem:
        raise MalformedError(Close.MALFORMED, f"The message is not understood: {problem}.") from None


class RowTooLargeError(Exception):
    """A row is too large to be followed live. Let its topic carry less, and fetch the rest by page or API."""


# ---- To the client ---------------------------------------------------------------------------------------------
class Put(msgspec.Struct, tag_field="op", tag="put", frozen=True):
    """A row that is new, or that is different now: whole."""

    id: str
    row: Mapping[str, Any]


class Drop(msgspec.Struct, tag_field="op", tag="drop", frozen=True):
    id: str


Op = Put | Drop


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A snapshot (base is null, ops begin with nothing) or a delta (from `base`).

    A long one comes in parts, one right after the other; it counts when all of them are there.
    """

    topic: str
    kind: str
    base: int | None
    revision: int
    at: str
    ops: list[Op]
    part: int = 1
    parts: int = 1


class Told(msgspec.Struct, frozen=True):
    """How a topic is: live again, stale since a moment, or refused."""

    topic: str
    kind: str
    at: str
    since: str | None = None
    reason: str = ""


class Mark(msgspec.Struct, frozen=True):
    mark: str
    at: str
    kind: str = "mark"


class Error(msgspec.Struct, frozen=True):
    """The last frame before the socket is closed by us."""

    code: int
    reason: str
    kind: str = "error"


_encoder = msgspec.json.Encoder()


def text(frame: Change | Told | Mark | Error) -> str:
    return _encoder.encode(frame).decode()


def texts(change: Change) -> tuple[str, ...]:
    """A change as the frames that carry it: Daphne sends none of more than a megabyte, and drops it with an error."""
    packs = list(_packed(change.ops))
    if len(packs) <= 1:
        return (text(change),)
    return tuple(
        text(msgspec.structs.replace(change, ops=ops, part=number, parts=len(packs)))
        for number, ops in enumerate(packs, 1)
    )


def _packed(ops: list[Op]) -> Iterator[list[Op]]:
    """The ops in order, as many together as fit into a frame."""
    pack, size = list[Op](), 0
    for op in ops:
        length = len(_encoder.encode(op))
        if length > limits.FRAME_BYTES:
            raise RowTooLargeError(f"Row {op.id!r} takes {length} bytes; {limits.FRAME_BYTES} are allowed.")
        if pack and size + length > limits.FRAME_BYTES:
            yield pack
            pack, size = [], 0
        pack.append(op)
        size += length
    yield pack


def now() -> str:
    return clock.rfc3339(clock.now())
