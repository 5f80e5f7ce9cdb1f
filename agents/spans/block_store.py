"""The store made of blocks, on any shelf: writing, reading a trace, following the commits, days.

Searching is in search.py and facets.py, over the same shelf.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import compress
from typing import Any

from agents.spans import blocks, cursors, days, facets, search
from agents.spans import plan as plans
from agents.spans.api import (
    EVERYWHERE,
    NOTHING_KNOWN,
    Batch,
    Capabilities,
    DayOfStore,
    Facets,
    LogRecord,
    LogRequest,
    Page,
    Query,
    Reach,
    Since,
    Span,
    Stats,
    Trace,
    Written,
)
from agents.spans.shelf import Newest, PartGoneError, PartReader, PartWriter, Shelf
from agents.spans.streams import LOGS, SPANS, Stream
from agents.spans.values import Flag
from core import clock
from core.access.api import Place as AccessPlace

CAPABILITIES = Capabilities(
    fields=frozenset(SPANS.fields) | frozenset(LOGS.fields),
    facets=frozenset(SPANS.series),
    any_attribute=True,
    text=True,
    commit_order=True,
    concurrent_writers=True,
)
# Blocks fetched at once when commits are followed.
FOLLOWED = 32
TRACE_ID = 16  # bytes
# How digests of log requests begin in a part.
TIMED, UNTIMED = b"t", b"u"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What goes to one part, packed before the part is locked."""

    part: int
    spans: dict[tuple[bytes, bytes], Span]
    logs: tuple[LogRequest, ...]
    blocks: list[blocks.Block]
    repeated: int


class BlockStore:
    """A SpanStore on a shelf. `keep` is how far back a day gets a part of its own, `patience` how many seconds a
    search looks before it says how far it came."""

    capabilities = CAPABILITIES

    def __init__(self, shelf: Shelf, keep: timedelta, patience: float = search.PATIENCE) -> None:
        self._shelf = shelf
        self._keep = keep
        self._patience = patience

    # ---- writing -------------------------------------------------------------------------------------------
    def write(self, batch: Batch) -> Written:
        existing = self._shelf.parts()
        window = days.window(clock.now(), self._keep)
        spans = _spans_by_part(batch.spans, window, existing)
        logs = _logs_by_part(batch.logs, window, existing)
        total = Written(0, 0)
        for part in sorted(spans.keys() | logs.keys()):
            prepared = _prepare(part, spans.get(part, ()), logs.get(part, ()))
            elsewhere = self._elsewhere(part, window, existing)
            total = Written(*map(sum, zip(total, self._write_part(prepared, elsewhere), strict=True)))
        return total

    def _elsewhere(self, part: int, window: days.Window, existing: Sequence[int]) -> tuple[int, ...]:
        """Parts besides its own that may have a repeat: a day ahead was astray when it was further ahead, and
        log records that named no time got that of their arrival."""
        near = {days.ASTRAY} if part >= window.newest - 1 else set()
        return tuple(
            other for other in existing if other != part and (other in near or abs(other - part) == 1)
        )

    def _write_part(self, prepared: _Prepared, elsewhere: Iterable[int]) -> Written:
        known, digests = self._known_elsewhere(prepared, elsewhere)
        with self._shelf.writing(prepared.part) as writer:
            known |= _known_spans(writer, prepared)
            digests |= writer.known_digests([request.digest for request in prepared.logs])
            fresh = _without(prepared, known, digests)
            if fresh.blocks:
                received = int(clock.unix() * days.SECOND)
                writer.add(fresh.blocks, [request.digest for request in fresh.logs], received)
        gone = len(prepared.spans) - len(fresh.spans)
        lines, kept = _lines(prepared.logs), _lines(fresh.logs)
        return Written(len(fresh.spans), kept, prepared.repeated + gone, lines - kept)

    def _known_elsewhere(
        self, prepared: _Prepared, elsewhere: Iterable[int]
    ) -> tuple[set[tuple[bytes, bytes]], set[bytes]]:
        spans: set[tuple[bytes, bytes]] = set()
        digests: set[bytes] = set()
        untimed = [request.digest for request in prepared.logs if request.digest.startswith(UNTIMED)]
        for part in elsewhere:
            with suppress(PartGoneError), self._shelf.reading(part) as reader:
                if part == days.ASTRAY and prepared.spans:
                    spans |= _known_astray(reader, prepared)
                digests |= reader.known_digests(untimed)
        return spans, digests

    # ---- traces --------------------------------------------------------------------------------------------
    def get_trace(self, trace_id: bytes, *, reach: Reach = EVERYWHERE, limit: int = 100_000) -> Trace:
        return self.get_traces([trace_id], reach=reach, limit=limit).get(trace_id, Trace(()))

    def get_traces(
        self,
        trace_ids: Iterable[bytes],
        *,
        reach: Reach = EVERYWHERE,
        limit: int = 2_000,
        newest: Mapping[bytes, int] = NOTHING_KNOWN,
    ) -> dict[bytes, Trace]:
        seen, wanted = lru_cache(maxsize=None)(reach), set(trace_ids)
        whole = self._whole({each: newest[each] for each in wanted & newest.keys()}, limit)
        found = {trace: [span for span in spans if seen(place_of(span))] for trace, spans in whole.items()}
        found |= self._of_all_hours(wanted - whole.keys(), seen, limit)
        return {trace_id: _as_trace(spans, limit) for trace_id, spans in found.items() if spans}

    def _whole(self, newest: Mapping[bytes, int], limit: int) -> dict[bytes, list[Span]]:
        """Those traces that are whole in the hour of their newest span and the one before it. Most are; a look into
        each of the other hours would cost more than all that is found."""
        found = defaultdict[bytes, list[Span]](list)
        for part, keys in _last_hours(newest, self._shelf.parts()).items():
            with suppress(PartGoneError), self._shelf.reading(part) as reader:
                for span in _spans_of(reader, keys, newest):
                    found[span.trace_id].append(span)
        return {trace: spans for trace, spans in found.items() if len(spans) <= limit and _is_whole(spans)}

    def _of_all_hours(
        self, wanted: set[bytes], seen: Callable[[AccessPlace], bool], limit: int
    ) -> dict[bytes, list[Span]]:
        found = defaultdict[bytes, list[Span]](list)
        for part in self._shelf.parts() if wanted else ():
            with suppress(PartGoneError), self._shelf.reading(part) as reader:
                keys = [_handle(hour, trace_id) for hour in blocks.hours(part) for trace_id in wanted]
                for span in _spans_of(reader, keys, wanted):
                    if seen(place_of(span)):
                        found[span.trace_id].append(span)
                        # One more than is wanted tells that there are more.
                        wanted -= {span.trace_id} if len(found[span.trace_id]) > limit else set()
        return found

    def find_spans(self, keys: Iterable[bytes], *, until: str = "") -> dict[bytes, Span]:
        wanted = set(keys)
        ends = cursors.read_commits(until) if until else None
        found: dict[bytes, Span] = {}
        for part in self._shelf.parts() if wanted else ():
            with suppress(PartGoneError), self._shelf.reading(part) as reader:
                found.update(_found_in(reader, part, wanted, _end(reader.newest().made, part, ends)))
        return found

    # ---- search --------------------------------------------------------------------------------------------
    def search(self, query: Query, *, limit: int, cursor: str = "", reach: Reach = EVERYWHERE) -> Page[Span]:
        plan = plans.make(SPANS, query, reach)
        return search.page(self._shelf, plan, limit=limit, cursor=cursor, patience=self._patience)

    def search_logs(
        self, query: Query, *, limit: int, cursor: str = "", reach: Reach = EVERYWHERE
    ) -> Page[LogRecord]:
        plan = plans.make(LOGS, query, reach)
        return search.page(self._shelf, plan, limit=limit, cursor=cursor, patience=self._patience)

    def facets(
        self, query: Query, fields: Sequence[str], *, top: int = 20, reach: Reach = EVERYWHERE
    ) -> Facets:
        plan = plans.make(SPANS, query, reach)
        return facets.count(self._shelf, plan, fields, top=top, patience=self._patience)

    # ---- following the commits -----------------------------------------------------------------------------
    def read_since(self, cursor: str, *, limit: int = 5_000, until: str = "") -> Since[Span]:
        ends = cursors.read_commits(until) if until else None
        return self._follow(SPANS, cursor, limit, lambda rows: rows, ends)

    def tail_logs(
        self, cursor: str, query: Query, *, limit: int = 1_000, reach: Reach = EVERYWHERE
    ) -> Since[LogRecord]:
        matches = search.matcher(LOGS, query, reach)
        return self._follow(LOGS, cursor, limit, lambda rows: [row for row in rows if matches(row)])

    def _follow(
        self,
        stream: Stream,
        cursor: str,
        limit: int,
        choose: Callable[[list[Any]], list[Any]],
        ends: Mapping[int, Newest] | None = None,
    ) -> Since[Any]:
        behind = cursors.read_commits(cursor)
        reached: dict[int, Newest] = {}
        rows: list[Any] = []
        left = limit
        for part in reversed(self._shelf.parts()):
            with suppress(PartGoneError), self._shelf.reading(part) as reader:
                reached[part] = _behind(reader, behind.get(part))
                end = _end(reached[part].made, part, ends)
                for block, found in _committed_after(reader, stream, reached[part].block, left):
                    if block > end:
                        break
                    rows += choose(found)
                    left -= len(found)
                    reached[part] = Newest(reached[part].made, block)
        return Since(tuple(rows), cursors.write_commits(reached), left <= 0)

    def now_cursor(self) -> str:
        newest = {}
        for part in self._shelf.parts():
            with suppress(PartGoneError), self._shelf.reading(part) as reader:
                newest[part] = reader.newest()
        return cursors.write_commits(newest)

    # ---- days ----------------------------------------------------------------------------------------------
    def days(self) -> tuple[DayOfStore, ...]:
        return tuple(
            DayOfStore(days.day_of(part), spans, logs, size)
            for part, spans, logs, size in self._shelf.sizes()
        )

    def drop_day(self, day: date) -> bool:
        return self._shelf.drop(days.part_of_day(day))

    def drop_astray(self, before: datetime) -> int:
        if days.ASTRAY not in self._shelf.parts():
            return 0
        with self._shelf.writing(days.ASTRAY) as writer:
            return writer.remove_received_before(int(before.timestamp() * days.SECOND))

    def stats(self) -> Stats:
        found = self.days()
        return Stats(
            self._shelf.name,
            sum(day.spans for day in found),
            sum(day.logs for day in found),
            sum(day.size for day in found),
            found,
        )

    def close(self) -> None:
        self._shelf.close()


def place_of(row: Span | LogRecord) -> AccessPlace:
    """Where a row is, for the question who may see it."""
    return AccessPlace(row.environment or None, row.queue or None, row.agent or None)


def _spans_by_part(
    spans: Sequence[Span], window: days.Window, existing: Sequence[int]
) -> Mapping[int, Sequence[Span]]:
    if not spans:
        return {}
    part = window.one_part_of([span.start for span in spans], existing)
    if part is not None:
        return {part: spans}
    found: dict[int, list[Span]] = {}
    for span in spans:
        found.setdefault(window.part_of(span.start, existing), []).append(span)
    return found


def _logs_by_part(
    requests: Iterable[LogRequest], window: days.Window, existing: Sequence[int]
) -> dict[int, list[LogRequest]]:
    """Each request cut into what belongs to each part, and what came without a time kept apart from what had one:
    only the former can turn up in another part when it is sent again."""
    found: dict[int, list[LogRequest]] = {}
    for request in requests:
        cut: dict[tuple[int, bytes], list[LogRecord]] = {}
        for record in request.records:
            tag = UNTIMED if record.flags & Flag.TIME_GIVEN else TIMED
            cut.setdefault((window.part_of(record.time, existing), tag), []).append(record)
        for (part, tag), records in cut.items():
            found.setdefault(part, []).append(LogRequest(tag + request.digest, tuple(records)))
    return found


def _prepare(part: int, spans: Sequence[Span], logs: Iterable[LogRequest]) -> _Prepared:
    distinct = blocks.without_repeats(spans, part)
    requests = tuple({request.digest: request for request in reversed(list(logs))}.values())
    return _Prepared(part, distinct, requests, _pack(part, distinct, requests), len(spans) - len(distinct))


def _pack(
    part: int, spans: dict[tuple[bytes, bytes], Span], logs: Iterable[LogRequest]
) -> list[blocks.Block]:
    records = [record for request in logs for record in request.records]
    return blocks.build(SPANS, list(spans.values()), part) + blocks.build(LOGS, records, part)


def _without(prepared: _Prepared, known: set[tuple[bytes, bytes]], digests: set[bytes]) -> _Prepared:
    """What is new. Packing again is the price of a repeat, which is rare."""
    repeated = known & prepared.spans.keys()
    if not repeated and not digests:
        return prepared
    spans = {key: span for key, span in prepared.spans.items() if key not in repeated}
    logs = tuple(request for request in prepared.logs if request.digest not in digests)
    packed = _pack(prepared.part, spans, logs)
    return _Prepared(prepared.part, spans, logs, packed, prepared.repeated)


def _known_spans(writer: PartWriter, prepared: _Prepared) -> set[tuple[bytes, bytes]]:
    return blocks.identities(writer.known({key for key, _ in prepared.spans}))


def _known_astray(reader: PartReader, prepared: _Prepared) -> set[tuple[bytes, bytes]]:
    """Identities in this part of spans that the astray part has; there, handles begin with no hour."""
    there = {blocks.identity(span, days.ASTRAY): key for key, span in prepared.spans.items()}
    found = reader.handles({key for key, _ in there})
    known = blocks.identities((key, ids) for key, _, ids in found)
    return {there[identity] for identity in known & there.keys()}


def _lines(requests: Iterable[LogRequest]) -> int:
    return sum(len(request.records) for request in requests)


def _as_trace(spans: list[Span], limit: int) -> Trace:
    spans.sort(key=lambda span: (span.start, span.span_id))
    return Trace(tuple(spans[:limit]), len(spans) <= limit)


def _handle(hour: bytes, trace_id: bytes) -> bytes:
    return hour + SPANS.trace_tag + trace_id


def _last_hours(newest: Mapping[bytes, int], existing: Sequence[int]) -> dict[int, list[bytes]]:
    """By part, the handles of these traces in the hour of their newest span and in the one before it; and what is
    astray, which has no hours."""
    found = defaultdict[int, list[bytes]](list)
    for trace_id, start in newest.items():
        for moment in (start, start - days.HOUR):
            part = moment // days.DAY
            found[part].append(_handle(blocks.hour_of(part, moment), trace_id))
        found[days.ASTRAY] += [_handle(hour, trace_id) for hour in blocks.hours(days.ASTRAY)]
    return {part: found[part] for part in existing if part in found}


def _is_whole(spans: Sequence[Span]) -> bool:
    """Its root is there, and whatever else a span names as its parent."""
    ids = {span.span_id for span in spans}
    parents = {span.parent_id for span in spans}
    return any(not parent for parent in parents) and all(parent in ids for parent in parents if parent)


def _spans_of(reader: PartReader, keys: Collection[bytes], wanted: Collection[bytes]) -> Iterator[Span]:
    """The spans of the wanted traces in the blocks that these handles lead to; what is taken out of `wanted` meanwhile
    is not looked for any more."""
    numbers = sorted({block for _, block, _ in reader.handles(keys)})
    cores, details = reader.cores(numbers), reader.details(numbers)
    for number in numbers:
        if number in cores and number in details and wanted:
            core = blocks.unpack_core(SPANS, cores[number])
            places = list(compress(range(core.rows), core.mask("trace_id", wanted.__contains__)))
            yield from blocks.rows_of(SPANS, core, blocks.unpack_details(SPANS, details[number]), places)


def _found_in(reader: PartReader, part: int, wanted: set[bytes], end: float) -> Iterator[tuple[bytes, Span]]:
    """Handles name the span ids behind them, so that only blocks that hold a wanted span are opened."""
    traces = {key[:TRACE_ID] for key in wanted}
    handles = [hour + SPANS.trace_tag + trace for hour in blocks.hours(part) for trace in traces]
    numbers = {
        number
        for handle, number, ids in reader.handles(handles)
        if number <= end
        for _, span_id in blocks.identities([(handle, ids)])
        if handle[-TRACE_ID:] + span_id in wanted
    }
    cores, details = reader.cores(numbers), reader.details(numbers)
    for number in cores.keys() & details.keys():
        core = blocks.unpack_core(SPANS, cores[number])
        own = list(map(bytes.__add__, core["trace_id"], core["span_id"]))
        places = [place for place, key in enumerate(own) if key in wanted]
        rows = blocks.rows_of(SPANS, core, blocks.unpack_details(SPANS, details[number]), places)
        yield from zip([own[place] for place in places], rows, strict=True)


def _behind(reader: PartReader, mark: Newest | None) -> Newest:
    """Where to go on. A part that was dropped and made anew is read from its beginning."""
    made = reader.newest().made
    return mark if mark and mark.made == made else Newest(made, 0)


def _end(made: int, part: int, ends: Mapping[int, Newest] | None) -> float:
    """The last block that is wanted of a part; none of one that the end knows nothing of."""
    if ends is None:
        return math.inf
    end = ends.get(part)
    return end.block if end and end.made == made else 0


def _committed_after(
    reader: PartReader, stream: Stream, behind: int, wanted: int
) -> Iterator[tuple[int, list[Any]]]:
    """Blocks and their rows in the order of commit, until there are as many rows as wanted."""
    while wanted > 0 and (numbers := reader.after(stream.number, behind, FOLLOWED)):
        cores, details = reader.cores(numbers), reader.details(numbers)
        for number in numbers:
            if wanted <= 0:
                return
            core = blocks.unpack_core(stream, cores[number])
            found = blocks.rows_of(stream, core, blocks.unpack_details(stream, details[number]))
            wanted -= len(found)
            yield number, found
        behind = numbers[-1]
