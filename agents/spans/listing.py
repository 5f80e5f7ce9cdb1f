"""Traces as a list: the newest first, each once, with what it amounts to.

The store finds spans. A trace is listed at its newest span that matches, so that no page repeats what another
had; one that gets a newer match meanwhile belongs on top again, and is left out further down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import NamedTuple

from agents.spans import search
from agents.spans.api import (
    EVERYWHERE,
    NOTHING_KNOWN,
    LogRecord,
    Page,
    Query,
    Reach,
    Since,
    Span,
    SpanStore,
    Trace,
)
from agents.spans.days import SECOND
from agents.spans.streams import LOGS, SPANS
from agents.spans.values import Status
from core import clock

# Of a trace with more spans than this, the row says "more than".
SUMMED_UP = 2_000
# How many spans are asked for first, for each trace that is wanted. Every span of a trace matches where nothing is
# asked for; what a condition leaves of a trace is little, and may lie in a block of its own.
SPANS_EACH, MATCHES_EACH, MOST_AT_ONCE = 12, 2, 2_000
# Traces that are read together.
AHEAD = 25
PATIENCE = 1.0

Seen = Callable[[Span], Span]
Matches = Callable[[Span], bool]


def AS_IT_IS(row: Span) -> Span:  # noqa: N802 - reads as the constant that it is
    """For who may read payloads."""
    return row


@dataclass(frozen=True, slots=True)
class TraceRow:
    """A trace in a list. `name`, `agent` and `failed` are those of its first span, in rank or else in time."""

    trace_id: bytes
    name: str
    agent: str
    environment: str
    failed: bool
    start: int
    duration: int
    spans: int
    complete: bool
    errors: int
    agents: tuple[str, ...]
    matched: int

    @property
    def state(self) -> str:
        if self.failed:
            return "failed"
        return "with errors" if self.errors else "ok"


class Listed(NamedTuple):
    """As a store's page: `reached` is how far back the search has looked."""

    rows: tuple[TraceRow, ...]
    next: str
    reached: int


def traces(
    store: SpanStore,
    query: Query,
    *,
    limit: int,
    cursor: str = "",
    reach: Reach = EVERYWHERE,
    seen: Seen = AS_IT_IS,
) -> Listed:
    """A page of traces. It may be short when much was looked at and little found; `next` goes on.

    `seen` is a span as the asker sees it: what is hidden from them is not found by them either.
    """
    lister = _Lister(store, query, reach, seen, limit, is_top=not cursor and _is_everything(query))
    each = MATCHES_EACH if _narrows(query) else SPANS_EACH
    wanted, until = limit * each, clock.monotonic() + PATIENCE
    while True:
        page = store.search(query, limit=min(wanted, MOST_AT_ONCE), cursor=cursor, reach=reach)
        used = lister.take(page.rows)
        if used < len(page.rows):
            return Listed(tuple(lister.rows), page.behind(used - 1), page.rows[used - 1].start)
        if lister.is_full or not page.next or clock.monotonic() > until:
            return Listed(tuple(lister.rows), page.next, page.reached)
        cursor, wanted = page.next, wanted * 2


class _Lister:
    """The traces of one page, as they are found."""

    def __init__(
        self, store: SpanStore, query: Query, reach: Reach, seen: Seen, limit: int, *, is_top: bool
    ) -> None:
        """`is_top`: of each trace the newest span of all is the first that is found."""
        self._store, self._reach, self._limit, self._is_top = store, reach, limit, is_top
        self._matches = matcher(query, reach, seen)
        self._met: set[bytes] = set()
        # Traces to come in the order of their spans, and those that were read ahead.
        self._ahead: deque[bytes] = deque()
        self._first: dict[bytes, int] = {}
        self._read: dict[bytes, Trace] = {}
        self.rows: list[TraceRow] = []

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= self._limit

    def take(self, spans: Sequence[Span]) -> int:
        """Lists the traces of these spans until the page is full; how many spans it went through."""
        used, self._ahead = 0, deque(dict.fromkeys(span.trace_id for span in spans))
        for span in spans:
            self._first.setdefault(span.trace_id, span.start)
        for trace_id, own in groupby(spans, key=lambda span: span.trace_id):
            if self.is_full and trace_id not in self._met:
                return used
            found = list(own)
            used += len(found)
            newest = next(filter(self._matches, found), None)
            if newest and trace_id not in self._met:
                self._met.add(trace_id)
                self._list(newest)
        return used

    def _list(self, newest: Span) -> None:
        trace = self._trace(newest.trace_id)
        matching = [span.start for span in trace.spans if self._matches(span)]
        if matching and newest.start >= max(matching):
            self.rows.append(sum_up(trace, len(matching)))

    def _trace(self, trace_id: bytes) -> Trace:
        """With it the next ones are read that the page may still need."""
        if trace_id not in self._read:
            while self._ahead and self._ahead.popleft() != trace_id:
                pass
            wanted = [trace_id, *islice(self._ahead, min(self._limit - len(self.rows), AHEAD) - 1)]
            newest = {each: self._first[each] for each in wanted} if self._is_top else NOTHING_KNOWN
            found = self._store.get_traces(wanted, reach=self._reach, limit=SUMMED_UP, newest=newest)
            self._read = dict(found)
        return self._read.get(trace_id, Trace(()))


def matcher(query: Query, reach: Reach, seen: Seen = AS_IT_IS) -> Matches:
    """Does a span match, as the asker sees it?"""
    matches = search.matcher(SPANS, query, reach)
    if not looks_inside(query):
        return matches
    return lambda span: matches(seen(span))


def _narrows(query: Query) -> bool:
    """Does it leave out some of a trace's spans? All of them are of one environment, as a rule."""
    return bool(query.text) or any(each.field != "environment" for each in query.conditions)


def _is_everything(query: Query) -> bool:
    """Does it leave out nothing that is newer than what it finds?"""
    return not query.text and not query.conditions and query.until > clock.now().timestamp() * SECOND


def looks_inside(query: Query) -> bool:
    """Does the query look at what may be hidden from the asker?"""
    return bool(query.text) or any(condition.attribute for condition in query.conditions)


def sum_up(trace: Trace, matched: int) -> TraceRow:
    """What a trace amounts to. It has at least one span."""
    first = root_of(trace.spans)
    start = min(span.start for span in trace.spans)
    return TraceRow(
        first.trace_id,
        first.name,
        first.agent,
        first.environment,
        is_failed(first),
        start,
        max(span.end for span in trace.spans) - start,
        len(trace.spans),
        trace.complete,
        sum(map(is_failed, trace.spans)),
        tuple(dict.fromkeys(span.agent for span in trace.spans if span.agent)),
        matched,
    )


def is_failed(span: Span) -> bool:
    return span.status == Status.ERROR


def root_of(spans: Sequence[Span]) -> Span:
    """The first span by rank: one without a parent, else one whose parent is not there; of these the earliest."""
    ids = {span.span_id for span in spans}
    return min(spans, key=lambda span: (bool(span.parent_id), span.parent_id in ids, span.start))


def logs(
    store: SpanStore,
    query: Query,
    *,
    limit: int,
    cursor: str = "",
    reach: Reach = EVERYWHERE,
    seen: Callable[[LogRecord], LogRecord],
) -> Page[LogRecord]:
    """Log records, newest first, without those that match only in what the asker may not read."""
    page = store.search_logs(query, limit=limit, cursor=cursor, reach=reach)
    return page._replace(rows=_as_seen(page.rows, query, reach, seen))


def log_tail(
    store: SpanStore,
    query: Query,
    cursor: str,
    *,
    reach: Reach = EVERYWHERE,
    seen: Callable[[LogRecord], LogRecord],
) -> Since[LogRecord]:
    """Log records in the order of commit after a cursor, as the asker sees them."""
    since = store.tail_logs(cursor, query, reach=reach)
    return since._replace(rows=_as_seen(since.rows, query, reach, seen))


def _as_seen(
    rows: tuple[LogRecord, ...], query: Query, reach: Reach, seen: Callable[[LogRecord], LogRecord]
) -> tuple[LogRecord, ...]:
    shown = tuple(map(seen, rows))
    if not looks_inside(query):
        return shown
    matches = search.matcher(LOGS, query, reach)
    return tuple(row for row in shown if matches(row))
