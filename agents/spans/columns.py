"""Values to columns to bytes, and back: pure functions.

A block of spans is kept column by column, because a column repeats itself: an agent's name is written once a
block, the high bytes of a time compress to nothing. This is what brings a span below 200 bytes on disk.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias

import msgspec

Column: TypeAlias = Sequence[Any]

# Level 1 costs a third of level 6 and gives up about a tenth of the size.
LEVEL = 1
WIDTH = 8
# Below this many values in a list, one byte says which.
ONE_BYTE = 256

_pack = msgspec.msgpack.encode
_unpack = msgspec.msgpack.decode


@dataclass(frozen=True, slots=True)
class Coding:
    """How one column becomes something that packs well, and how it comes back: whole (given how many rows there
    are), or only what stands at some places."""

    pack: Callable[[Column], Any]
    unpack: Callable[[Any, int], Column]
    pick: Callable[[Any, int, Sequence[int]], list[Any]]


def _pack_words(column: Column) -> Any:
    """Each value once, and which one stands where; the plain list when most are different."""
    distinct = dict.fromkeys(column)
    if len(distinct) == 1:
        return [next(iter(distinct))]
    if len(distinct) * 2 > len(column):
        return [0, list(column)]
    places = {value: place for place, value in enumerate(distinct)}
    code = "B" if len(distinct) <= ONE_BYTE else "H"
    return [code, list(distinct), array(code, map(places.__getitem__, column)).tobytes()]


def _unpack_words(packed: Any, rows: int) -> Column:
    if len(packed) == 1:
        return list(repeat(packed[0], rows))
    if len(packed) == 2:
        return list(packed[1])
    code, distinct, places = packed
    return list(map(distinct.__getitem__, array(code, places)))


def _pick_words(packed: Any, rows: int, places: Sequence[int]) -> list[Any]:
    if len(packed) == 1:
        return [packed[0]] * len(places)
    if len(packed) == 2:
        return [packed[1][place] for place in places]
    code, distinct, kept = packed
    found = array(code, kept)
    return [distinct[found[place]] for place in places]


def _pack_numbers(column: Column) -> Any:
    """64-bit numbers with the first bytes of all together, then the second bytes…; None when all are 0."""
    raw = array("q", column).tobytes()
    return b"".join([raw[place::WIDTH] for place in range(WIDTH)]) if raw.strip(b"\0") else None


def _unpack_numbers(packed: Any, rows: int) -> Column:
    if packed is None:
        return list(repeat(0, rows))
    raw = bytearray(len(packed))
    for place in range(WIDTH):
        raw[place::WIDTH] = packed[place * rows : (place + 1) * rows]
    return array("q", bytes(raw)).tolist()


def _pick_numbers(packed: Any, rows: int, places: Sequence[int]) -> list[int]:
    if packed is None:
        return [0] * len(places)
    return [int.from_bytes(packed[place::rows], sys.byteorder, signed=True) for place in places]


def _pack_ids(column: Column) -> Any:
    """Eight-byte ids on end; none is all zeros, which is no valid id."""
    return b"".join([value or b"\0\0\0\0\0\0\0\0" for value in column])


def _unpack_ids(packed: Any, rows: int) -> Column:
    ids = [packed[place : place + WIDTH] for place in range(0, rows * WIDTH, WIDTH)]
    return [value if value.strip(b"\0") else b"" for value in ids]


def _pick_ids(packed: Any, rows: int, places: Sequence[int]) -> list[bytes]:
    found = [packed[place * WIDTH : place * WIDTH + WIDTH] for place in places]
    return [value if value.strip(b"\0") else b"" for value in found]


def _pack_lines(column: Column) -> Any:
    """JSON on one line each: it holds no bare newline."""
    return b"\n".join(column) if any(column) else b""


def _unpack_lines(packed: Any, rows: int) -> Column:
    return list(packed.split(b"\n")) if packed else list(repeat(b"", rows))


def _pick_lines(packed: Any, rows: int, places: Sequence[int]) -> list[bytes]:
    lines = _unpack_lines(packed, rows)
    return [lines[place] for place in places]


WORDS = Coding(_pack_words, _unpack_words, _pick_words)
NUMBERS = Coding(_pack_numbers, _unpack_numbers, _pick_numbers)
IDS = Coding(_pack_ids, _unpack_ids, _pick_ids)
LINES = Coding(_pack_lines, _unpack_lines, _pick_lines)


def pack(codings: Mapping[str, Coding], columns: Mapping[str, Column]) -> bytes:
    """The columns that have a coding, as compressed bytes."""
    packed = [coding.pack(columns[name]) for name, coding in codings.items()]
    rows = len(columns[next(iter(codings))])
    return zlib.compress(_pack([rows, *packed]), LEVEL)


class Packed(Mapping[str, Column]):
    """The columns that `pack` was given, each unpacked when it is asked for: a search looks at few of them."""

    __slots__ = ("_codings", "_packed", "_unpacked", "rows")

    def __init__(self, codings: Mapping[str, Coding], data: bytes) -> None:
        self.rows, *packed = _unpack(zlib.decompress(data))
        self._codings = codings
        self._packed: dict[str, Any] = dict(zip(codings, packed, strict=True))
        self._unpacked: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        if name not in self._unpacked:
            self._unpacked[name] = self._codings[name].unpack(self._packed[name], self.rows)
        return self._unpacked[name]

    def at(self, name: str, places: Sequence[int]) -> list[Any]:
        """What stands in a column at some places."""
        return self._codings[name].pick(self._packed[name], self.rows, places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)
