"""The questions to a store that hold its limits: asked cold and warm, over a sample of what is in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg

from agents.spans.api import Condition, Op, Query, SpanStore
from agents.spans.values import Span
from tests.support.span_stores import Home
from tests.support.telemetry import HOUR, NEEDLE, SECOND

Question = Callable[[SpanStore], object]


class Took(NamedTuple):
    """95th percentiles in milliseconds; `work` is the processor time of the process that asked."""

    cold: float
    warm: float
    cold_work: float
    warm_work: float


# By what was asked.
Times = dict[str, Took]
# Seconds, by the clock and of work.
Seconds = tuple[float, float]

# How many of each are asked.
MOST = 120
FACETS = ("agent", "workflow", "operation", "status", "queue")
DAY = 24 * HOUR


def everything(home: Home, sample: list[Span]) -> Times:
    return {name: _cold_and_warm(home, asked) for name, asked in questions(sample).items()}


def questions(sample: list[Span]) -> dict[str, list[Question]]:
    return {
        "trace by id": [_trace_of(span) for span in sample],
        "search on indexed fields": [_search(query) for query in indexed(sample)],
        "any attribute within an hour": [_search(needle_near(span)) for span in sample],
        "facets of an hour": [_facets(span.start - HOUR, span.start) for span in sample],
        "facets of the day": [
            _facets(span.start // DAY * DAY, span.start // DAY * DAY + DAY) for span in sample
        ],
    }


def _trace_of(span: Span) -> Question:
    return lambda store: store.get_trace(span.trace_id)


def _search(query: Query) -> Question:
    return lambda store: store.search(query, limit=50)


def _facets(since: int, until: int) -> Question:
    return lambda store: store.facets(Query(since=since, until=until), FACETS)


def needle_near(span: Span) -> Query:
    since = span.start // HOUR * HOUR
    return Query((Condition("order.id", Op.IS, NEEDLE, attribute=True),), since=since, until=since + HOUR)


def indexed(sample: Iterable[Span]) -> Iterator[Query]:
    """Every indexed field by turns, over the whole day, alone and with others; some find nothing."""
    for span in sample:
        yield from _by_series(span)
        yield Query((Condition("conversation_id", Op.IS, span.conversation_id),))
        if span.message_id:
            yield Query((Condition("message_id", Op.IS, span.message_id),))


def _by_series(span: Span) -> Iterator[Query]:
    agent = Condition("agent", Op.IS, span.agent)
    yield Query((agent,))
    yield Query((agent, Condition("status", Op.IS, 2)))
    yield Query((agent, Condition("duration", Op.MORE, 4 * SECOND)))
    yield Query((Condition("workflow", Op.IS, span.workflow), Condition("operation", Op.IS, span.operation)))
    yield Query((Condition("queue", Op.LIKE, span.queue[:3] + "*"),), until=span.start)
    yield Query((Condition("error_type", Op.IS, "TimeoutError"), agent), until=span.start)
    yield Query((Condition("error_type", Op.IS, "NoSuchError"), agent))


# ---- Asking ----------------------------------------------------------------------------------------------------
def _cold_and_warm(home: Home, asked: list[Question]) -> Took:
    # A step that shares no factor with the kinds of question, so that each kind has its turn.
    asked = [asked[place * 7 % len(asked)] for place in range(min(len(asked), MOST))]
    return took([_cold(home, question) for question in asked], _warm(home, asked))


def _cold(home: Home, question: Question) -> Seconds:
    forget_files(home)
    store = home.store()
    store.days()  # a process that serves pages has its connection open
    took = seconds(lambda: question(store))
    store.close()
    return took


def _warm(home: Home, asked: list[Question]) -> list[Seconds]:
    store = home.store()
    took = []
    for question in asked:
        question(store)
        took.append(seconds(lambda question=question: question(store)))  # type: ignore[misc]
    store.close()
    return took


def seconds(work: Callable[[], object]) -> Seconds:
    begun, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - worked


def took(cold: list[Seconds], warm: list[Seconds]) -> Took:
    columns = [[each[place] for each in times] for place in (0, 1) for times in (cold, warm)]
    return Took(*map(p95, columns))


def p95(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)] * 1_000


def forget_files(home: Home) -> None:
    """Have the kernel forget the store's own files. PostgreSQL's shared buffers stay as they are."""
    for path in files(home):
        try:
            handle = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def files(home: Home) -> list[Path]:
    if home.engine == "sqlite":
        return list(Path(home.address).glob("*/*"))
    with psycopg.connect(home.address) as connection:
        row = connection.execute(
            "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    return list(Path(row[0]).glob("*")) if row else []
