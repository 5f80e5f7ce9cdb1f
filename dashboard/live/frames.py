"""What travels on the socket, both ways, as typed values. The one place that knows its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import msgspec

from core import clock
from dashboard.live import limits

Rows = Mapping[str, Mapping[str, Any]]


class Close(IntEnum):
    """Why a socket is closed. static/js/live/link.js knows after which of these to come back."""

    RESTARTING = 1012
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


# ---- To the client ---------------------------------------------------------------------------------------------
class Put(msgspec.Struct, tag_field="op", tag="put", frozen=True):
    """A row that is new, or that is different now: whole."""

    id: str
    row: Mapping[str, Any]


class Drop(msgspec.Struct, tag_field="op", tag="drop", frozen=True):
    id: str


Op = Put | Drop


class Change(msgspec.Struct, frozen=True):
    """A snapshot (base is null, ops begin with nothing) or a delta (from `base`)."""

    topic: str
    kind: str
    base: int | None
    revision: int
    at: str
    ops: list[Op]


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


def now() -> str:
    return clock.rfc3339(clock.now())
