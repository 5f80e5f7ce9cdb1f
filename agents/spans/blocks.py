"""Values to blocks: what one commit keeps, made ready before any lock is taken. Pure functions.

A block holds up to MAX_ROWS spans (or log records) of one part. Beside its packed columns it carries all that
finds it again: its first and last moment, a filter of its attributes, its handles (trace, message and
conversation ids, each with the span ids of the trace) and its series.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from agents.spans import columns, days, tokens
from agents.spans.columns import InChunks, Packed
from agents.spans.streams import SPANS, Stream
from agents.spans.values import Span, encode

MAX_ROWS = 1_024
# A series of which one field stands for "one of many": the part has too many of them to tell apart.
OTHER = "\0"
# How long the longest span of a series in a block is, in classes that grow by about a tenth each, up to minutes.
CLASSES = 128
MILLISECOND = 1_000_000

_HOURS = tuple(bytes((hour,)) for hour in range(24))

ZLIB = b"\x78"
Details: TypeAlias = Packed | InChunks
Columns: TypeAlias = Mapping[str, Sequence[Any]]
# A handle, and the span ids on end that a trace's handle leads to.
Handle: TypeAlias = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Share:
    """A series' share in a block."""

    series: bytes
    rows: int
    longest: int  # class of duration


@dataclass(frozen=True, slots=True)
class Block:
    """What is written for some rows of one part."""

    stream: int
    first: int
    last: int
    rows: int
    core: bytes
    details: bytes
    filter: bytes
    handles: tuple[Handle, ...]
    shares: tuple[Share, ...]


def build(stream: Stream, rows: Sequence[Any], part: int) -> list[Block]:
    """Rows of one part as blocks. Spans of a trace come to lie together: they are asked for together."""
    ordered = sorted(rows, key=itemgetter(0, 1)) if stream is SPANS else rows
    return [
        _block(stream, ordered[place : place + MAX_ROWS], part) for place in range(0, len(ordered), MAX_ROWS)
    ]


def _block(stream: Stream, rows: Sequence[Any], part: int) -> Block:
    named = dict(zip(stream.fields, zip(*rows, strict=True), strict=True))
    times = named[stream.time]
    return Block(
        stream.number,
        min(times),
        max(times),
        len(rows),
        columns.pack(stream.core, named),
        columns.pack_in_chunks(stream.details, named),
        tokens.bloom(_tokens(stream, named)),
        tuple(handles_of(stream, named, part)),
        tuple(_shares(stream, named)),
    )


def _tokens(stream: Stream, named: Columns) -> set[bytes]:
    found = tokens.tokens_of(named["attributes"]) | tokens.tokens_of(set(named["resource"]))
    for field in stream.named:
        found.update([tokens.token_of_field(field, value) for value in set(named[field]) if value])
    return found


def _shares(stream: Stream, named: Columns) -> Iterator[Share]:
    rows = list(zip(*[named[field] for field in stream.series], strict=True))
    longest = dict.fromkeys(rows, 0)
    for series, duration in zip(rows, named.get("duration", ()), strict=False):
        longest[series] = max(longest[series], duration)
    for series, count in Counter(rows).items():
        yield Share(encode(series), count, duration_class(longest[series]))


def duration_class(duration: int) -> int:
    """Eight classes for each doubling: the leading digit of the milliseconds in binary, and the three after it."""
    millis = duration // MILLISECOND
    spare = max(millis.bit_length() - 4, 0)
    return min(spare * 8 + (millis >> spare), CLASSES - 1)


def handles_of(stream: Stream, named: Columns, part: int) -> list[Handle]:
    """Each handle of the block once an hour, in the order of the index."""
    hours = _hours(named[stream.time], part)
    found = dict.fromkeys(_id_handles(stream, named, hours), b"")
    traced = zip(hours, named["trace_id"], named["span_id"], strict=True)
    for (hour, trace), group in groupby(sorted(traced), key=itemgetter(0, 1)):
        if trace:
            ids = b"".join([span_id for _, _, span_id in group]) if stream is SPANS else b""
            found[hour + stream.trace_tag + trace] = ids
    return sorted(found.items())


def _hours(times: Sequence[int], part: int) -> list[bytes]:
    first, last = hour_of(part, min(times)), hour_of(part, max(times))
    return [first] * len(times) if first == last else [hour_of(part, moment) for moment in times]


def _id_handles(stream: Stream, named: Columns, hours: Sequence[bytes]) -> Iterator[bytes]:
    for field, tag in stream.handles:
        for hour, value in set(zip(hours, named[field], strict=True)):
            if value:
                yield hour + id_handle(tag, value)


def id_handle(tag: bytes, value: str) -> bytes:
    """A short stand-in for an id; two ids may share one, so what it finds is looked at again."""
    return tag + blake2b(value.encode(), digest_size=4).digest()


def hour_of(part: int, moment: int) -> bytes:
    """Handles begin with the hour, so that what is written together lies together on disk."""
    return _HOURS[moment // days.HOUR % 24] if part != days.ASTRAY else _HOURS[0]


def hours(part: int) -> tuple[bytes, ...]:
    """Every beginning that a handle in this part may have."""
    return _HOURS if part != days.ASTRAY else _HOURS[:1]


def identity(span: Span, part: int) -> tuple[bytes, bytes]:
    """Handle and span id: what two copies of one span share."""
    return hour_of(part, span.start) + SPANS.trace_tag + span.trace_id, span.span_id


def without_repeats(spans: Iterable[Span], part: int) -> dict[tuple[bytes, bytes], Span]:
    """The spans by their identity; of two with the same one the first."""
    return {identity(span, part): span for span in reversed(tuple(spans))}


def identities(known: Iterable[Handle]) -> set[tuple[bytes, bytes]]:
    """The identities behind handles that the store has."""
    return {(key, ids[place : place + 8]) for key, ids in known for place in range(0, len(ids), 8)}


def unpack_core(stream: Stream, data: bytes) -> Packed:
    return Packed(stream.core, data)


def unpack_details(stream: Stream, data: bytes) -> Details:
    """Blocks of before lines came in chunks are compressed as a whole, and begin as zlib does."""
    return Packed(stream.details, data) if data.startswith(ZLIB) else InChunks(stream.details, data)


def rows_of(stream: Stream, core: Packed, details: Details, places: Sequence[int] | None = None) -> list[Any]:
    """Columns as values again: those at some places, or all."""
    sources: list[tuple[str, Details]]
    sources = [(field, core if field in stream.core else details) for field in stream.fields]
    if places is None:
        ordered = [source[field] for field, source in sources]
    else:
        ordered = [source.at(field, places) for field, source in sources]
    return list(map(stream.value._make, zip(*ordered, strict=True)))
