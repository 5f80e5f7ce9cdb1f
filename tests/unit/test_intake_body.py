"""Bodies as they arrive: whole or in pieces, and never larger than their place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents.intake import body, limits
from agents.intake.admission import Admission
from agents.intake.refusals import OverloadedError, TooLargeError, UnreadableError

TEXT = b"an order, and another order; " * 5000


def sent_in(pieces: list[bytes]) -> Callable[[], Awaitable[Any]]:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return receive


async def read(data: bytes, size: int = 1000, admission: Admission | None = None) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
    with (admission or Admission()).enter() as place:
        return await body.read(body.Incoming(sent_in(pieces)), None, place)


@pytest.mark.parametrize("size", [100, 1000, 1 << 20])
async def test_a_body_in_pieces_of_any_size__accepted(size: int) -> None:
    assert await read(TEXT, size) == TEXT


async def test_a_body_above_the_limit_as_sent__refused() -> None:
    with pytest.raises(TooLargeError):
        await read(bytes(limits.MAX_SENT_BYTES + 1), 1 << 20)


async def test_a_declared_length_above_the_limit_is_refused_unread() -> None:
    with Admission().enter() as place, pytest.raises(TooLargeError):
        await body.read(body.Incoming(sent_in([])), limits.MAX_SENT_BYTES + 1, place)


async def test_a_body_that_finds_no_place__refused() -> None:
    admission = Admission(max_bytes=len(TEXT) - 1)
    with pytest.raises(OverloadedError):
        await read(TEXT, admission=admission)
    assert (admission.bytes, admission.requests) == (0, 0)


async def test_a_sender_that_hangs_up_is_told_apart() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with Admission().enter() as place, pytest.raises(body.SenderLeftError):
        await body.read(body.Incoming(receive), None, place)


async def test_a_sender_that_stops_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr(limits, "BODY_SECONDS", 0.01)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    with Admission().enter() as place, pytest.raises(UnreadableError):
        await body.read(body.Incoming(receive), None, place)


def test_one_request_more_than_there_are_places__refused() -> None:
    admission = Admission(max_requests=1)
    with admission.enter(), pytest.raises(OverloadedError):
        admission.enter()
    admission.enter()


async def test_what_is_left_of_a_refused_body_goes_by() -> None:
    incoming = body.Incoming(sent_in([b"a", b"b", b"c"]))
    await incoming.piece()
    await incoming.drain()
    assert incoming.ended
    await incoming.drain()
