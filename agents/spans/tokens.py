"""Which blocks may hold an attribute: tokens of the encoded JSON, and a Bloom filter of them for each block.

An object's text is cut at every `,"`, which mostly is where one attribute ends; where it is not (inside a text,
a list), what is looked for is cut at the same places, because the cut looks at nothing around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from agents.spans.values import encode

CUT = b',"'
END_OF_KEY = b'":'
BITS_PER_TOKEN = 10
SMALLEST = 64
# Two more places are made of one checksum; these spread them (odd, from the golden ratio).
SPREAD = 0x9E3779B1


def tokens_of(objects: Iterable[bytes]) -> set[bytes]:
    """Every `key":value` and every `key` of some JSON objects, each once."""
    found = set(CUT.join([text[2:-1] for text in objects if text]).split(CUT))
    found.update([token.partition(END_OF_KEY)[0] for token in found])
    return found


def tokens_for(key: str, value: object) -> list[bytes]:
    """What a block must hold if one of its spans has this attribute."""
    return encode({key: value})[2:-1].split(CUT)


def token_of_key(key: str) -> bytes:
    return (encode(key)[1:] + b":").split(CUT)[0].partition(END_OF_KEY)[0]


def token_of_field(field: str, value: str) -> bytes:
    """For a field that search looks up by its exact value. No JSON text holds a NUL, so it meets no attribute."""
    return b"\0" + field.encode() + b"=" + value.encode()


def bloom(tokens: set[bytes]) -> bytes:
    """A filter of at least BITS_PER_TOKEN bits a token, a power of two in all, three places a token."""
    size = SMALLEST
    while size < BITS_PER_TOKEN * len(tokens):
        size *= 2
    mask, marks = size - 1, bytearray(b"0") * size
    for checksum in map(crc32, tokens):
        marks[checksum & mask] = 49
        spread = checksum * SPREAD
        marks[(spread >> 16) & mask] = 49
        marks[(spread >> 32) & mask] = 49
    return int(marks, 2).to_bytes(size // 8, "big")


def may_hold(filter_: bytes, tokens: Iterable[bytes]) -> bool:
    """False: none of the block's spans has them all. True: one may."""
    mask = len(filter_) * 8 - 1
    for checksum in map(crc32, tokens):
        spread = checksum * SPREAD
        for place in (checksum & mask, (spread >> 16) & mask, (spread >> 32) & mask):
            if not filter_[place >> 3] & (128 >> (place & 7)):
                return False
    return True
