"""A request's body, read and unpacked piece by piece: it never takes more memory than it was given a place for."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from agents.intake import limits
from agents.intake.admission import Place
from agents.intake.refusals import RefusalError, TooLargeError, UnknownTypeError, UnreadableError

Receive = Callable[[], Awaitable[Any]]
GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
ENCODINGS = ("identity", "gzip", "deflate")


class SenderLeftError(RefusalError):
    """The sender closed the connection; there is nobody to answer."""


class Unpacker(Protocol):
    """Takes what was sent, gives what was meant."""

    def feed(self, sent: bytes, room: int) -> bytes:
        """At most room + 1 bytes: one more than fits is enough to know. Raises UnreadableError."""
        ...

    def finish(self) -> None:
        """Raises UnreadableError when the body ended too early."""
        ...


class Identity:
    """Nothing to unpack."""

    def feed(self, sent: bytes, room: int) -> bytes:
        return sent

    def finish(self) -> None:
        pass


class Inflater:
    """gzip (of several members too) and deflate (with zlib's header, as the standard says, or without)."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._stream = zlib.decompressobj(window)
        self._fed = False

    def feed(self, sent: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        while sent and room >= 0:
            parts.append(self._inflate(sent, room + 1))
            room -= len(parts[-1])
            # What is left behind the end of one gzip member starts the next.
            sent = self._stream.unused_data if self._stream.eof else b""
            if sent:
                self._stream = zlib.decompressobj(self._window)
        return b"".join(parts)

    def _inflate(self, sent: bytes, most: int) -> bytes:
        first, self._fed = not self._fed, True
        try:
            return self._stream.decompress(sent, most)
        except zlib.error:
            if first and self._window == ZLIB:
                self._window, self._stream = RAW, zlib.decompressobj(RAW)
                return self._inflate(sent, most)
            raise UnreadableError("The body cannot be unpacked as its Content-Encoding says.") from None

    def finish(self) -> None:
        if self._fed and not self._stream.eof:
            raise UnreadableError("The packed body ends too early.")


def unpacker(encoding: str) -> Unpacker:
    """Raises UnknownTypeError for an encoding that is not one of ENCODINGS."""
    name = encoding.strip().lower() or "identity"
    if name not in ENCODINGS:
        raise UnknownTypeError(f"Content-Encoding {name[:40]} is not read. Use {', '.join(ENCODINGS)}.")
    if name == "identity":
        return Identity()
    return Inflater(GZIP if name == "gzip" else ZLIB)


async def read(receive: Receive, encoding: str, declared: int | None, place: Place) -> bytes:
    """The whole body, unpacked. Raises a RefusalError; a sender that is too slow is refused as well."""
    if declared is not None and declared > limits.MAX_SENT_BYTES:
        raise TooLargeError(limits.MAX_SENT_BYTES)
    try:
        async with asyncio.timeout(limits.BODY_SECONDS):
            return await _read(receive, unpacker(encoding), place)
    except TimeoutError:
        raise UnreadableError(f"The body did not come within {limits.BODY_SECONDS} s.") from None


async def _read(receive: Receive, unpack: Unpacker, place: Place) -> bytes:
    parts: list[bytes] = []
    sent = size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise SenderLeftError
        piece, more = message.get("body", b""), message.get("more_body", False)
        sent += len(piece)
        if sent > limits.MAX_SENT_BYTES:
            raise TooLargeError(limits.MAX_SENT_BYTES)
        piece = unpack.feed(piece, limits.MAX_BODY_BYTES - size)
        size += len(piece)
        if size > limits.MAX_BODY_BYTES:
            raise TooLargeError(limits.MAX_BODY_BYTES)
        place.take(len(piece))
        parts.append(piece)
    unpack.finish()
    return b"".join(parts)
