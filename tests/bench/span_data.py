"""Data sets for the questions: spans and logs of a whole day in the blocks that intake's commits make of them.

The first two hours are made up span by span, on every core, and kept as files; the other hours are copies of them
with ids of their own, made while the store is filled. So ten million take minutes, and a second run less.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from agents.spans import blocks, columns, days
from agents.spans.blocks import Block
from agents.spans.shelf import Shelf
from agents.spans.streams import LOGS, SPANS, Stream
from agents.spans.values import LogRecord, Span
from tests.support.telemetry import HOUR, Maker, log_of

DAY = 24 * HOUR
STRETCH = 2 * HOUR
COPIES = DAY // STRETCH
CHUNK = 50_000
# Eight connections that send 512 spans each share a commit.
COMMIT = 8 * 512
LOG_EVERY = 20
SAMPLES = 60
BLOCKS, SAMPLE, DAY_FILE = "blocks", "sample", "day"
TEXTS = ("took it up", "asked the model", "the model timed out, again", "stored the result")
STREAMS = {stream.number: stream for stream in (SPANS, LOGS)}


@dataclass(frozen=True, slots=True)
class DataSet:
    """So many spans of the day that begins at `start`, in a folder of their own."""

    folder: Path
    count: int
    start: int

    @property
    def part(self) -> int:
        return self.start // DAY

    @property
    def ending(self) -> int:
        """The last moment of the day, nanoseconds since 1970."""
        return days.bounds(self.part)[1] - 1

    @property
    def made_up(self) -> int:
        return self.count // COPIES

    @property
    def chunks(self) -> int:
        return max(self.made_up // CHUNK, 1)

    def file(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:04}.{kind}"

    def sample(self) -> list[Span]:
        """Some of the spans, from the whole day, to ask for."""
        found = [span for number in range(self.chunks) for span in _sample(self.file(number, SAMPLE))]
        random.Random(1).shuffle(found)
        return [_span_copied(span, place % COPIES) for place, span in enumerate(found[:SAMPLES])]

    def fill(self, shelf: Shelf) -> None:
        """Write all of it in the order of its time, as the store writes; one commit for each chunk."""
        for copy in range(COPIES):
            for number in range(self.chunks):
                made = msgspec.msgpack.decode(self.file(number, BLOCKS).read_bytes(), type=list[Block])
                own = [copied(block, copy, self.part) for block in made]
                with shelf.writing(self.part) as writer:
                    writer.add(own, (), self.start)


def prepare(folder: Path, count: int, day: int) -> DataSet:
    """The data set in that folder, made as far as it is not there. It keeps the day it was begun for."""
    own = folder / str(count)
    own.mkdir(parents=True, exist_ok=True)
    told = own / DAY_FILE
    if not told.exists():
        told.write_text(str(day))
    made = DataSet(own, count, int(told.read_text()))
    missing = [number for number in range(made.chunks) if not made.file(number, BLOCKS).exists()]
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_make, made), missing))
    return made


# ---- Made up -----------------------------------------------------------------------------------------------------
def _make(made: DataSet, number: int) -> None:
    """One chunk. The sample comes first: a chunk is there when its blocks are."""
    spans = list(_spans(made, number))
    every = max(len(spans) * made.chunks // SAMPLES, 1)
    _keep(made.file(number, SAMPLE), spans[min(every, len(spans)) // 2 :: every])
    _keep(made.file(number, BLOCKS), list(_packed(spans, made.part)))


def _keep(file: Path, value: Any) -> None:
    whole = file.with_suffix(".part")
    whole.write_bytes(msgspec.msgpack.encode(value))
    whole.rename(file)


def _sample(file: Path) -> list[Span]:
    return msgspec.msgpack.decode(file.read_bytes(), type=list[Span])


def _spans(made: DataSet, number: int) -> Iterable[Span]:
    """In the order in which they would come. The needle is in one of them, and so in one of each copy."""
    size, length = made.made_up // made.chunks, STRETCH // made.chunks
    needle_every = size * 3 // 5 if number == 0 else 0
    begin = made.start + number * length
    # What is under way at the end must not reach into the next stretch.
    end = begin + length - length // 50
    made_up = Maker(number + 1, needle_every).spans(size, begin, end)
    return (span for span in made_up if span.start < made.start + STRETCH)


def _packed(spans: list[Span], part: int) -> Iterator[Block]:
    for place in range(0, len(spans), COMMIT):
        commit = spans[place : place + COMMIT]
        yield from blocks.build(SPANS, commit, part)
        yield from blocks.build(LOGS, [_line(span) for span in commit[::LOG_EVERY]], part)


def _line(span: Span) -> LogRecord:
    place = span.start % len(TEXTS)
    return log_of(span, f"{TEXTS[place]} ({span.name})", (9, 9, 13, 17)[place])


# ---- Copied ------------------------------------------------------------------------------------------------------
def copied(block: Block, copy: int, part: int) -> Block:
    """The same rows so many stretches later, with ids of their own. What stands in their attributes stays."""
    stream, by = STREAMS[block.stream], copy * STRETCH
    core = blocks.unpack_core(stream, block.core)
    changed = {field: _column(field, core[field], copy, by) for field in stream.core if field in CHANGED}
    return replace(
        block,
        first=block.first + by,
        last=block.last + by,
        core=_packed_again(stream, block.core, changed),
        handles=tuple(blocks.handles_of(stream, {**core, **changed}, part)),
    )


def _packed_again(stream: Stream, packed: bytes, changed: Mapping[str, Any]) -> bytes:
    """As `columns.pack` makes it, but what did not change is not taken apart."""
    rows, *kept = msgspec.msgpack.decode(zlib.decompress(packed))
    again = [
        stream.core[field].pack(changed[field]) if field in changed else column
        for field, column in zip(stream.core, kept, strict=True)
    ]
    return zlib.compress(msgspec.msgpack.encode([rows, *again]), columns.LEVEL)


def _column(field: str, column: Any, copy: int, by: int) -> Any:
    if field in MOMENTS:
        return [moment + by for moment in column]
    change = CHANGES.get(field)
    if change is None or not copy:
        return column
    known = {value: change(value, copy) for value in set(column)}
    return [known[value] for value in column]


def _other_bytes(value: bytes, copy: int) -> bytes:
    return value and bytes((value[0] ^ copy, *value[1:]))


def _other_text(value: str, copy: int) -> str:
    return value and f"{value[:-1]}{chr(ord('g') + copy)}"


MOMENTS = frozenset({"start", "time", "observed"})
CHANGES: dict[str, Callable[[Any, int], Any]] = {
    **dict.fromkeys(("trace_id", "span_id", "parent_id"), _other_bytes),
    **dict.fromkeys(("message_id", "conversation_id"), _other_text),
}
CHANGED = MOMENTS | CHANGES.keys()


def _span_copied(span: Span, copy: int) -> Span:
    by = copy * STRETCH
    return Span(
        *(_column(field, [value], copy, by)[0] for field, value in zip(Span._fields, span, strict=True))
    )
