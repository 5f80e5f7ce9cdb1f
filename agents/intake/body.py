"""A request's body as it arrives: never more of it than it was given a place for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from agents.intake import limits
from agents.intake.admission import Place
from agents.intake.refusals import RefusalError, TooLargeError, UnreadableError

Receive = Callable[[], Awaitable[Any]]


class SenderLeftError(RefusalError):
    """The sender closed the connection; there is nobody to answer."""


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


async def read(incoming: Incoming, declared: int | None, place: Place) -> bytes:
    """The whole body, as it was sent. Raises a RefusalError; a sender that is too slow is refused as well."""
    if declared is not None and declared > limits.MAX_SENT_BYTES:
        raise TooLargeError(limits.MAX_SENT_BYTES)
    try:
        with place.admission.deadlines.reading():
            return await _read(incoming, place)
    except TimeoutError:
        raise UnreadableError(f"The body did not come within {limits.BODY_SECONDS} s.") from None


async def _read(incoming: Incoming, place: Place) -> bytes:
    parts: list[bytes] = []
    while not incoming.ended:
        piece = await incoming.piece()
        place.take(len(piece))
        parts.append(piece)
        if place.bytes > limits.MAX_SENT_BYTES:
            raise TooLargeError(limits.MAX_SENT_BYTES)
    return parts[0] if len(parts) == 1 else b"".join(parts)
