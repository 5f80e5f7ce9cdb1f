"""The store of spans, measured: `python -m tests.bench.spans_bench [--engine sqlite] [--spans 1000000]`.

First a floor and the store beside it: the same spans in requests of 512, one commit each, on one connection. The
floor is a bare loop that packs the same blocks, looks for the same repeats and writes the same rows and indexes.
Then a store of --spans spans over 24 hours, and how long it takes to find something in it, beside the same at
100,000. Cold: the kernel has forgotten the store's files, and every connection is new.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg

from agents.spans.api import Batch, Condition, Op, Query, SpanStore
from agents.spans.values import Span
from tests.bench import spans_floor
from tests.support import servers, span_stores
from tests.support.span_stores import Home
from tests.support.telemetry import HOUR, NEEDLE, SECOND, Maker

REQUEST, SMALL, SAMPLES = 512, 100_000, 60
# What anchors were measured on such a machine, decoding apart.
ANCHORS = {"sqlite": 43_000, "postgresql": 120_000}
GOALS = {
    "trace by id": 50,
    "indexed search": 200,
    "any attribute in an hour": 1_000,
    "facets of an hour": 300,
}


def midnight() -> int:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(today.timestamp()) * SECOND


def requests(count: int, seed: int = 1) -> Iterator[tuple[Span, ...]]:
    """Spans of yesterday in the order in which they would come, the needle once in a million."""
    made = Maker(seed, needle_every=min(1_000_000, count // 2)).spans(
        count, midnight() - 24 * HOUR, midnight()
    )
    while chunk := tuple(islice(made, REQUEST)):
        yield chunk


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


# ---- writing -------------------------------------------------------------------------------------------------------
def compare_writing(engine: str, place: Callable[[], Home], count: int) -> None:
    batches = list(requests(count))
    floor = count / seconds(lambda: spans_floor.write(place(), batches))
    home = place()
    store = home.store()
    own = count / seconds(lambda: write_all(store, batches))
    again = count / seconds(lambda: write_all(store, batches))
    stats = store.stats()
    store.close()
    assert stats.spans == count, "a span is missing or was counted twice"
    print(f"{engine}: writing {count:,} spans, {REQUEST} a request, one commit each")
    print(
        f"  bare loop      {floor:>9,.0f} spans/s   (rows alone, another shape, by anchors: {ANCHORS[engine]:,})"
    )
    print(f"  store.write    {own:>9,.0f} spans/s   {own / floor:.2f} of the bare loop")
    print(f"  all repeated   {again:>9,.0f} spans/s")
    print(f"  on disk        {stats.size / count:>9.0f} bytes a span, indexes included")


def write_all(store: SpanStore, batches: Iterable[Sequence[Span]]) -> None:
    for batch in batches:
        store.write(Batch(tuple(batch)))


# ---- finding -------------------------------------------------------------------------------------------------------
def measure_finding(home: Home, count: int) -> Found:
    """Name → p95 in milliseconds, cold and warm. The sample is taken while the store is filled."""
    store = home.store()
    picked: list[Span] = []
    every = max(count // REQUEST // SAMPLES, 1)
    begun = time.perf_counter()
    for number, batch in enumerate(requests(count)):
        store.write(Batch(batch))
        if number % every == 0:
            picked.append(batch[len(batch) // 2])
    took = time.perf_counter() - begun
    size = store.stats().size
    print(
        f"  filled with {count:,} in {took:.0f} s, {size / count:.0f} bytes a span, {size / 2**20:,.0f} MiB"
    )
    return {name: p95_cold_and_warm(home, asked) for name, asked in questions(picked).items()}


Question = Callable[[SpanStore], object]
Found = dict[str, tuple[float, float]]


def questions(picked: list[Span]) -> dict[str, list[Question]]:
    return {
        "trace by id": [trace_of(span) for span in picked],
        "indexed search": [search(query) for query in indexed(picked)],
        "any attribute in an hour": [search(needle_near(span)) for span in picked],
        "facets of an hour": [facets_near(span) for span in picked],
    }


def trace_of(span: Span) -> Question:
    return lambda store: store.get_trace(span.trace_id)


def search(query: Query) -> Question:
    return lambda store: store.search(query, limit=50)


def needle_near(span: Span) -> Query:
    since = span.start // HOUR * HOUR
    return Query((Condition("order.id", Op.IS, NEEDLE, attribute=True),), since=since, until=since + HOUR)


def facets_near(span: Span) -> Question:
    query = Query(since=span.start - HOUR, until=span.start)
    return lambda store: store.facets(query, ["agent", "workflow", "operation", "status", "queue"])


def indexed(picked: list[Span]) -> Iterator[Query]:
    """Every indexed field by turns, over the whole day, alone and with others."""
    for span in picked:
        agent = Condition("agent", Op.IS, span.agent)
        yield Query((agent,))
        yield Query((agent, Condition("status", Op.IS, 2)))
        yield Query((agent, Condition("duration", Op.MORE, 4 * SECOND)))
        yield Query(
            (Condition("workflow", Op.IS, span.workflow), Condition("operation", Op.IS, span.operation))
        )
        yield Query((Condition("queue", Op.LIKE, span.queue[:3] + "*"),), until=span.start)
        yield Query((Condition("error_type", Op.IS, "TimeoutError"), agent), until=span.start)
        yield Query((Condition("error_type", Op.IS, "NoSuchError"), agent))
        yield Query((Condition("conversation_id", Op.IS, span.conversation_id),))
        if span.message_id:
            yield Query((Condition("message_id", Op.IS, span.message_id),))


def p95_cold_and_warm(home: Home, asked: list[Question]) -> tuple[float, float]:
    return p95([cold(home, question) for question in asked[:SAMPLES]]), p95(warm(home, asked))


def cold(home: Home, question: Question) -> float:
    forget_files(home)
    store = home.store()
    store.days()  # a process that serves pages has its connection open
    took = seconds(lambda: question(store))
    store.close()
    return took


def warm(home: Home, asked: list[Question]) -> list[float]:
    store = home.store()
    for question in asked:
        question(store)
    return [seconds(lambda question=question: question(store)) for question in asked]  # type: ignore[misc]


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


def p95(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)] * 1_000


def report(
    engine: str, small: dict[str, tuple[float, float]], large: dict[str, tuple[float, float]], count: int
) -> None:
    print(f"{engine}: p95 in ms, cold / warm{'':>9}{SMALL:>12,}{count:>20,}{'goal':>10}")
    for name, goal in GOALS.items():
        cells = [f"{found[name][0]:7.1f} / {found[name][1]:6.1f}" for found in (small, large)]
        verdict = "holds" if max(large[name]) < goal else "MISSED"
        print(f"  {name:<34}{cells[0]:>18}{cells[1]:>20}{goal:>8} {verdict}")


def time_drop(home: Home) -> None:
    store = home.store()
    day = (datetime.now(UTC) - timedelta(days=1)).date()
    took = seconds(lambda: store.drop_day(day))
    print(f"  dropping the day took {took:.2f} s (goal: under 1 s); bytes left {store.stats().size:,}")
    store.close()


# ---- where ---------------------------------------------------------------------------------------------------------
def run(engine: str, count: int, writes: int, folder: Path, place: Callable[[], Home]) -> None:
    compare_writing(engine, place, writes)
    small = measure_finding(place(), SMALL)
    home = place()
    large = measure_finding(home, count)
    report(engine, small, large, count)
    time_drop(home)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--writes", type=int, default=200_000)
    given = parser.parse_args()
    for engine in given.engine or ["sqlite", "postgresql"]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postroom-spans-")))
            run(engine, given.spans, given.writes, folder, placer(engine, folder, stack))


def placer(engine: str, folder: Path, stack: ExitStack) -> Callable[[], Home]:
    """Each call gives an empty place, where the one before was."""
    if engine == "sqlite":

        def fresh_folder() -> Home:
            shutil.rmtree(folder / "spans", ignore_errors=True)
            return Home("sqlite", str(folder / "spans"))

        return fresh_folder
    address = stack.enter_context(servers.postgres_database(servers.postgres_server()))
    home = span_stores.migrated(address, folder)

    def emptied() -> Home:
        span_stores.empty(home)
        return home

    return emptied


if __name__ == "__main__":
    main()
