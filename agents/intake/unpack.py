"""Packed bytes → what was meant. Pure, and never larger than it was told: a bomb is refused, not unfolded."""

from __future__ import annotations

import zlib

from agents.intake.refusals import TooLargeError, UnknownTypeError, UnreadableError

GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
ENCODINGS = ("identity", "gzip", "deflate")


def known(encoding: str) -> str:
    """The encoding by its plain name. Raises UnknownTypeError when it is not one of ENCODINGS."""
    name = encoding.strip().lower() or "identity"
    if name not in ENCODINGS:
        raise UnknownTypeError(f"Content-Encoding {name[:40]} is not read. Use {', '.join(ENCODINGS)}.")
    return name


def unpack(sent: bytes, encoding: str, most: int) -> bytes:
    """`encoding` is one of ENCODINGS. Raises UnreadableError, or TooLargeError above `most` bytes."""
    if encoding == "identity" or not sent:
        return sent
    if encoding == "gzip":
        return _members(sent, most)
    return _inflate(sent, ZLIB if _has_header(sent) else RAW, most)[0]


def _members(sent: bytes, most: int) -> bytes:
    """gzip may be several members, one behind the other."""
    parts: list[bytes] = []
    while sent:
        part, sent = _inflate(sent, GZIP, most)
        most -= len(part)
        parts.append(part)
    return b"".join(parts)


def _inflate(sent: bytes, window: int, most: int) -> tuple[bytes, bytes]:
    """The first stream unpacked, and what stands behind it."""
    stream = zlib.decompressobj(window)
    try:
        # One more than is allowed is enough to know.
        found = stream.decompress(sent, most + 1)
    except zlib.error:
        raise UnreadableError("The body cannot be unpacked as its Content-Encoding says.") from None
    if len(found) > most:
        raise TooLargeError(most)
    if not stream.eof:
        raise UnreadableError("The packed body ends too early.")
    return found, stream.unused_data


def _has_header(sent: bytes) -> bool:
    """deflate comes with zlib's header, as the standard says, or bare, as some send it. The header's method is
    8, and its two bytes together are a multiple of 31 (RFC 1950)."""
    return len(sent) > 1 and sent[0] & 0x0F == 8 and (sent[0] << 8 | sent[1]) % 31 == 0
