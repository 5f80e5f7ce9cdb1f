"""A trace as its page draws it: columns of numbers, so that 100,000 spans travel and unpack in a moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntFlag
from typing import Any

from agents.spans.api import LogRecord, Span
from agents.spans.values import Status, decode
from agents.topology import halves
from agents.topology.anatomy import Anatomy, Segment

# A line in a side list is short; the whole stands in the span's details.
SHORT = 200
ERROR_SEVERITY = 17
NO_COSTS: Mapping[bytes, str] = {}
_FAILED = int(Status.ERROR)


class Mark(IntFlag):
    """What a row shows besides its bar; static/js/trace/marks.js says the same."""

    ERROR = 1
    ORPHAN = 2  # its parent is not there
    LINKS = 4  # it came from another trace too, or leads there


class Tick(IntFlag):
    """What happened at a moment within a span."""

    EVENT = 1
    ERROR = 2
    LOG = 4


class _Words:
    """Each text once, and its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[str]:
        return list(self._numbers)


def waterfall(
    anatomy: Anatomy,
    logs: Sequence[LogRecord],
    elsewhere: Mapping[bytes, str],
    now: int,
    costs: Mapping[bytes, str] = NO_COSTS,
) -> dict[str, Any]:
    """Columns by row, the sparse things as lists of [row, …]; times in nanoseconds after the start.

    `elsewhere`: for senders whose message was taken in another trace, the id of that trace. `costs`: what calls of
    models came to, as text.
    """
    names, rows = _Words(), {bar.span.span_id: row for row, bar in enumerate(anatomy.bars)}
    spans = [bar.span for bar in anatomy.bars]
    start = anatomy.start
    return {
        "start": start,
        "end": anatomy.end - start,
        "now": max(now, anatomy.end) - start,
        "lanes": anatomy.lanes,
        "ids": b"".join(span.span_id for span in spans).hex(),
        "lane": [bar.lane for bar in anatomy.bars],
        "depth": [bar.depth for bar in anatomy.bars],
        "at": [span.start - start for span in spans],
        "took": [span.duration for span in spans],
        "name": [names.number(span.name) for span in spans],
        "mark": [_mark(bar.span, orphan=bar.orphan) for bar in anatomy.bars],
        "names": names.all(),
        "notes": [
            [row, note]
            for row, span in enumerate(spans)
            if (note := _note(span, costs.get(span.span_id, "")))
        ],
        "arcs": list(_arcs(spans, rows)),
        "path": [[row, *piece] for row, piece in _path(anatomy.path, rows, start)],
        "pauses": [[pause.start - start, pause.end - start] for pause in anatomy.pauses],
        "ghosts": [
            [rows[ghost.span_id], ghost.since - start, ghost.queue, elsewhere.get(ghost.span_id, "")]
            for ghost in anatomy.ghosts
        ],
        "errors": [[row, error_of(span)] for row, span in enumerate(spans) if span.status == _FAILED],
        "ticks": [*_events(spans, start), *_log_ticks(logs, rows, start)],
        "logs": [
            [rows.get(log.span_id, -1), log.time - start, log.severity, log.body[:SHORT]] for log in logs
        ],
    }


# As plain numbers: an enum takes longer to add than all the rest of a row.
_ERROR, _ORPHAN, _LINKS = int(Mark.ERROR), int(Mark.ORPHAN), int(Mark.LINKS)


def _mark(span: Span, *, orphan: bool) -> int:
    failed = _ERROR if span.status == _FAILED else 0
    return failed | (_ORPHAN if orphan else 0) | (_LINKS if span.links else 0)


def _arcs(spans: Sequence[Span], rows: Mapping[bytes, int]) -> Iterable[list[int]]:
    """From row to row: every link within the trace, and every message from its sender to whoever took it."""
    for row, span in enumerate(spans):
        if not (span.links or halves.is_receiving(span)):
            continue
        for key in halves.origins(span):
            sender = rows.get(key[16:]) if key[:16] == span.trace_id else None
            if sender is not None and sender != row:
                yield [sender, row]


def _note(span: Span, cost: str) -> str:
    """What a row says beside its name: the model's tokens and cost, the tool, the queue."""
    if span.model:
        model = "" if span.model in span.name else span.model
        used = span.input_tokens or span.output_tokens
        tokens = f"{span.input_tokens:,} → {span.output_tokens:,} tokens" if used else ""
        return " · ".join(filter(None, (model, tokens, cost)))
    return span.tool or span.queue or span.peer


def error_of(span: Span) -> str:
    """One line about what failed."""
    said = span.status_message or next(_messages(span), "")
    kind = span.error_type or "error"
    return f"{kind}: {said}"[:SHORT] if said else kind


def _messages(span: Span) -> Iterator[str]:
    for event in decode(span.events) if span.events else ():
        message = (event.get("attributes") or {}).get("exception.message")
        if message:
            yield str(message)


def _path(
    path: Sequence[Segment], rows: Mapping[bytes, int], start: int
) -> Iterable[tuple[int, tuple[int, int, str]]]:
    """A wait in a queue stands in the row of who waited: the span that comes after it."""
    for place, segment in enumerate(path):
        after = (later.span_id for later in path[place:] if later.span_id)
        owner = segment.span_id or next(after, b"")
        if owner in rows:
            yield rows[owner], (segment.start - start, segment.end - start, segment.queue)


def _events(spans: Sequence[Span], start: int) -> Iterable[list[Any]]:
    for row, span in enumerate(spans):
        for event in decode(span.events) if span.events else ():
            name = str(event.get("name", ""))
            kind = Tick.ERROR if name == "exception" else Tick.EVENT
            yield [row, int(event.get("time", span.start)) - start, int(kind), name[:SHORT]]


def _log_ticks(logs: Iterable[LogRecord], rows: Mapping[bytes, int], start: int) -> Iterable[list[Any]]:
    for log in logs:
        if log.span_id in rows:
            kind = Tick.LOG | (Tick.ERROR if log.severity >= ERROR_SEVERITY else Tick(0))
            yield [rows[log.span_id], log.time - start, int(kind), log.body[:SHORT]]
