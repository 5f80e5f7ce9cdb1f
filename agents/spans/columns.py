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
from itertools import chain, repeat
from typing import Any, TypeAlias

import msgspec

Column: TypeAlias = Sequence[Any]
Test: TypeAlias = Callable[[Any], bool]

# Level 1 costs a third of level 6 and gives up about a tenth of the size.
LEVEL = 1
WIDTH = 8
# Below this many values in a list, one byte says which.
ONE_BYTE = 256
# Lines that are compressed together: twice as much as zlib looks back, so that little is lost.
CHUNK_ROWS = 256

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
    found = kept if code == "B" else array(code, kept)
    return [distinct[found[place]] for place in places]


def _mask_words(packed: Any, rows: int, test: Test) -> bytes:
    """Each word is asked once, however often it stands there."""
    if len(packed) == 1:
        return (b"\1" if test(packed[0]) else b"\0") * rows
    if len(packed) == 2:
        return bytes(map(test, packed[1]))
    code, distinct, kept = packed
    good = bytes(map(test, distinct))
    if code == "B":
        return bytes(kept.translate(good.ljust(ONE_BYTE, b"\0")))
    return bytes(map(good.__getitem__, array(code, kept)))


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

    def mask(self, name: str, test: Test) -> bytes:
        """A byte for each row, 1 where the test holds. For words, of which there are few."""
        return _mask_words(self._packed[name], self.rows, test)

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


# ---- In chunks -----------------------------------------------------------------------------------------------------
def pack_in_chunks(codings: Mapping[str, Coding], columns: Mapping[str, Column]) -> bytes:
    """As `pack`, but lines are compressed a few rows at a time: they are most of a block, zlib looks back no
    further than that, and who wants one row need not unpack them all."""
    rows = len(columns[next(iter(codings))])
    whole = {name: coding for name, coding in codings.items() if coding is not LINES}
    chunks = [_pack_chunk(codings, columns, start) for start in range(0, rows, CHUNK_ROWS)]
    return _pack([rows, pack(whole, columns), chunks])


def _pack_chunk(codings: Mapping[str, Coding], columns: Mapping[str, Column], start: int) -> bytes:
    lines = [columns[name][start : start + CHUNK_ROWS] for name, coding in codings.items() if coding is LINES]
    return zlib.compress(_pack([_pack_lines(each) for each in lines]), LEVEL)


class InChunks(Mapping[str, Column]):
    """The columns that `pack_in_chunks` was given."""

    __slots__ = ("_lines", "_whole", "rows")

    def __init__(self, codings: Mapping[str, Coding], data: bytes) -> None:
        self.rows, whole, chunks = _unpack(data)
        self._whole = Packed({name: each for name, each in codings.items() if each is not LINES}, whole)
        names = [name for name, coding in codings.items() if coding is LINES]
        kept = Chunks(self.rows, chunks)
        self._lines = {name: Lines(kept, column) for column, name in enumerate(names)}

    def __getitem__(self, name: str) -> Column:
        return self._lines[name] if name in self._lines else self._whole[name]

    def at(self, name: str, places: Sequence[int]) -> list[Any]:
        """What stands in a column at some places."""
        if name not in self._lines:
            return self._whole.at(name, places)
        lines = self._lines[name]
        return [lines[place] for place in places]

    def __iter__(self) -> Iterator[str]:
        return chain(self._whole, self._lines)

    def __len__(self) -> int:
        return len(self._whole) + len(self._lines)


class Chunks:
    """Chunks of lines, each unpacked when it is asked for."""

    def __init__(self, rows: int, packed: Sequence[bytes]) -> None:
        self.rows = rows
        self._packed = packed
        self._joined: dict[int, Sequence[bytes]] = {}
        self._split: dict[tuple[int, int], Column] = {}

    def __len__(self) -> int:
        return len(self._packed)

    def lines(self, number: int, column: int) -> Column:
        found = self._split.get((number, column))
        if found is None:
            found = self._split[number, column] = self._unpack(number, column)
        return found

    def _unpack(self, number: int, column: int) -> Column:
        if number not in self._joined:
            self._joined[number] = _unpack(zlib.decompress(self._packed[number]))
        rows = min(CHUNK_ROWS, self.rows - number * CHUNK_ROWS)
        return _unpack_lines(self._joined[number][column], rows)


class Lines(Sequence[bytes]):
    """One column of the chunks."""

    def __init__(self, chunks: Chunks, column: int) -> None:
        self._chunks, self._column = chunks, column

    def __len__(self) -> int:
        return self._chunks.rows

    def __getitem__(self, place: Any) -> Any:
        return self._chunks.lines(place // CHUNK_ROWS, self._column)[place % CHUNK_ROWS]

    def __iter__(self) -> Iterator[bytes]:
        numbers = range(len(self._chunks))
        return chain.from_iterable(self._chunks.lines(number, self._column) for number in numbers)
