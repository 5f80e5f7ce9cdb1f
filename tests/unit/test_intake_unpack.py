"""Packed bodies: what they say, and never more of it than is allowed."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from agents.intake.limits import MAX_BODY_BYTES, MIB
from agents.intake.refusals import TooLargeError, UnknownTypeError, UnreadableError
from agents.intake.unpack import known, unpack

TEXT = b"an order, and another order; " * 5000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
def test_each_packing__accepted(encoding: str, packed: bytes) -> None:
    assert unpack(packed, encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_nothing_at_all__accepted(encoding: str) -> None:
    assert unpack(b"", encoding, 0) == b""


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)[:-9]),
        ("gzip", TEXT),
        ("gzip", gzip.compress(b"", mtime=0) + b"x"),
        ("deflate", b"\xff\xff"),
        ("deflate", zlib.compress(TEXT)[:-2]),
        ("deflate", b"x"),
    ],
)
def test_a_broken_packing__refused(encoding: str, packed: bytes) -> None:
    with pytest.raises(UnreadableError):
        unpack(packed, encoding, len(TEXT))


def test_one_byte_above_what_is_allowed__refused() -> None:
    for packed in (gzip.compress(TEXT), gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0)):
        with pytest.raises(TooLargeError):
            unpack(packed, "gzip", len(TEXT) - 1)


def test_a_bomb_is_refused_and_memory_stays_flat() -> None:
    packer = zlib.compressobj(wbits=31)
    zeros = bytes(MIB)
    bomb = b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        unpack(bomb, "gzip", MAX_BODY_BYTES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_BODY_BYTES


@pytest.mark.parametrize(("given", "name"), [("", "identity"), ("GZIP", "gzip"), (" deflate ", "deflate")])
def test_an_encoding_by_its_plain_name__accepted(given: str, name: str) -> None:
    assert known(given) == name


@pytest.mark.parametrize("given", ["br", "zstd", "gzip, gzip"])
def test_an_encoding_that_is_not_read__refused(given: str) -> None:
    with pytest.raises(UnknownTypeError):
        known(given)
