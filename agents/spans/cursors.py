"""Cursors as text: opaque to everyone but this module."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from agents.spans.api import CursorRefusedError
from agents.spans.shelf import Newest


class Mark(NamedTuple):
    """Where a row stands in a search: newest first, and among rows of one moment by where they are kept."""

    moment: int
    part: int
    block: int
    place: int

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Smaller comes first."""
        return (-self.moment, -self.part, -self.block, self.place)


def write_mark(mark: Mark, fingerprint: int) -> str:
    return _text([fingerprint, *mark])


def read_mark(cursor: str, fingerprint: int) -> Mark | None:
    """None for the empty cursor. Raises CursorRefusedError for one of another query."""
    if not cursor:
        return None
    try:
        given, *mark = msgspec.msgpack.decode(_bytes(cursor), type=tuple[int, int, int, int, int])
    except msgspec.DecodeError:
        raise CursorRefusedError(CursorRefusedError.__doc__) from None
    if given != fingerprint:
        raise CursorRefusedError("The cursor belongs to another search. Leave it out to begin anew.")
    return Mark(*mark)


def write_commits(reached: Mapping[int, Newest]) -> str:
    return _text({part: tuple(newest) for part, newest in reached.items()}) if reached else ""


def read_commits(cursor: str) -> dict[int, Newest]:
    """For each part the last block that was read there."""
    if not cursor:
        return {}
    try:
        return msgspec.msgpack.decode(_bytes(cursor), type=dict[int, Newest])
    except msgspec.DecodeError:
        raise CursorRefusedError(CursorRefusedError.__doc__) from None


def _text(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).decode().rstrip("=")


def _bytes(cursor: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise CursorRefusedError(CursorRefusedError.__doc__) from None
