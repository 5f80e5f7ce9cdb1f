"""Bodies as they come: packed or not, whole or in pieces, and never larger than their place."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents.intake import body, limits
from agents.intake.admission import Admission
from agents.intake.refusals import OverloadedError, TooLargeError, UnknownTypeError, UnreadableError

TEXT = b"an order, and another order; " * 5000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def sent_in(pieces: list[bytes]) -> Callable[[], Awaitable[Any]]:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return receive


async def read(data: bytes, encoding: str, size: int = 1000, admission: Admission | None = None) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
    with (admission or Admission()).enter() as place:
        return await body.read(body.Incoming(sent_in(pieces)), encoding, None, place)


@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
async def test_a_body_in_pieces_of_any_size__accepted(encoding: str, packed: bytes, size: int) -> None:
    assert await read(packed, encoding, size if len(packed) < 10_000 else max(size, 100)) == TEXT


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
async def test_an_empty_body__accepted(encoding: str) -> None:
    assert await read(b"", encoding) == b""


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("gzip", TEXT),
        ("deflate", b"\xff\xff"),
        ("gzip", gzip.compress(b"") + b"x"),
    ],
)
async def test_a_broken_packing__refused(encoding: str, packed: bytes) -> None:
    with pytest.raises(UnreadableError):
        await read(packed, encoding)


async def test_an_unknown_packing__refused() -> None:
    with pytest.raises(UnknownTypeError):
        await read(TEXT, "br")


async def test_a_body_above_the_limit_as_sent__refused() -> None:
    with pytest.raises(TooLargeError):
        await read(bytes(limits.MAX_SENT_BYTES + 1), "", 1 << 20)


async def test_a_declared_length_above_the_limit_is_refused_unread() -> None:
    with Admission().enter() as place, pytest.raises(TooLargeError):
        await body.read(body.Incoming(sent_in([])), "", limits.MAX_SENT_BYTES + 1, place)


async def test_a_bomb_is_refused_and_memory_stays_flat() -> None:
    packer = zlib.compressobj(wbits=31)
    zeros = bytes(limits.MIB)
    bomb = b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        await read(bomb, "gzip", 1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * limits.MAX_BODY_BYTES


async def test_a_body_that_finds_no_place__refused() -> None:
    admission = Admission(max_bytes=len(TEXT) - 1)
    with pytest.raises(OverloadedError):
        await read(TEXT, "", admission=admission)
    assert (admission.bytes, admission.requests) == (0, 0)


async def test_a_sender_that_hangs_up_is_told_apart() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with Admission().enter() as place, pytest.raises(body.SenderLeftError):
        await body.read(body.Incoming(receive), "", None, place)


async def test_a_sender_that_stops_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr(limits, "BODY_SECONDS", 0.01)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    with Admission().enter() as place, pytest.raises(UnreadableError):
        await body.read(body.Incoming(receive), "", None, place)


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
