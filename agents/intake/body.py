"""A request's body, read and unpacked piece by piece: it never takes more memory than it was given a place for."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
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
    """gzip, of several members too. `window` says to zlib what is packed how."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._stream = zlib.decompressobj(window)
        self._fed = False

    def feed(self, sent: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        self._fed = self._fed or bool(sent)
        while sent and room >= 0:
            if self._stream.eof:
                self._stream = zlib.decompressobj(self._window)
            parts.append(self._inflate(sent, room + 1))
            room -= len(parts[-1])
            # What is left behind the end of one gzip member starts the next.
            sent = self._stream.unused_data
        return b"".join(parts)

    def _inflate(self, sent: bytes, most: int) -> bytes:
        try:
            return self._stream.decompress(sent, most)
        except zlib.error:
            raise UnreadableError("The body cannot be unpacked as its Content-Encoding says.") from None

    def finish(self) -> None:
        if self._fed and not self._stream.eof:
            raise UnreadableError("The packed body ends too early.")


class Deflate:
    """With zlib's header, as the standard says, or without it, as some send it: its two bytes tell."""

    HEADER = 2

    def __init__(self) -> None:
        self._head = b""
        self._inflater: Inflater | None = None

    def feed(self, sent: bytes, room: int) -> bytes:
        if self._inflater is None:
            sent, self._head = self._head + sent, b""
            if len(sent) < self.HEADER:
                self._head = sent
                return b""
            self._inflater = Inflater(ZLIB if _has_header(sent) else RAW)
        return self._inflater.feed(sent, room)

    def finish(self) -> None:
        if self._inflater:
            self._inflater.finish()
        elif self._head:
            raise UnreadableError("The packed body ends too early.")


def _has_header(sent: bytes) -> bool:
    """As RFC 1950 defines it: method 8, and both bytes together a multiple of 31."""
    return sent[0] & 0x0F == 8 and (sent[0] << 8 | sent[1]) % 31 == 0


def unpacker(encoding: str) -> Unpacker:
    """Raises UnknownTypeError for an encoding that is not one of ENCODINGS."""
    name = encoding.strip().lower() or "identity"
    if name not in ENCODINGS:
        raise UnknownTypeError(f"Content-Encoding {name[:40]} is not read. Use {', '.join(ENCODINGS)}.")
    if name == "identity":
        return Identity()
    return Inflater(GZIP) if name == "gzip" else Deflate()


class Incoming:
    """What the server still has to hand over of one request's body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def piece(self) -> bytes:
        """Raises SenderLeftError."""
        message = await self._receive()
        if message["type"] != "http.request":
            self.ended = True
            raise SenderLeftError
        self.ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drain(self) -> None:
        """Let what is left of a refused body go by, as far as it is small and comes soon: who is still sending
        may not hear the answer."""
        left = limits.MAX_SENT_BYTES
        with suppress(TimeoutError, SenderLeftError):
            async with asyncio.timeout(limits.DRAIN_SECONDS):
                while left > 0 and not self.ended:
                    left -= len(await self.piece())


async def read(incoming: Incoming, encoding: str, declared: int | None, place: Place) -> bytes:
    """The whole body, unpacked. Raises a RefusalError; a sender that is too slow is refused as well."""
    if declared is not None and declared > limits.MAX_SENT_BYTES:
        raise TooLargeError(limits.MAX_SENT_BYTES)
    try:
        async with asyncio.timeout(limits.BODY_SECONDS):
            return await _read(incoming, unpacker(encoding), place)
    except TimeoutError:
        raise UnreadableError(f"The body did not come within {limits.BODY_SECONDS} s.") from None


async def _read(incoming: Incoming, unpack: Unpacker, place: Place) -> bytes:
    parts: list[bytes] = []
    sent = size = 0
    while not incoming.ended:
        piece = await incoming.piece()
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
