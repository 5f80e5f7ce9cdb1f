"""How fast the store writes: `python -m tests.bench.spans_bench [--engine sqlite] [--spans 200000]`.

A floor and the store beside it: the same spans in requests of 512, one commit each, on one connection. The floor is
a bare loop that packs the same blocks, looks for the same repeats and writes the same rows and indexes. How long it
takes to find something again is in span_questions_bench.py.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from agents.spans.api import Batch, SpanStore
from agents.spans.values import Span
from tests.bench import spans_floor
from tests.support import servers, span_stores
from tests.support.span_stores import Home
from tests.support.telemetry import HOUR, SECOND, Maker

REQUEST = 512
# What anchors were measured on such a machine, decoding apart.
ANCHORS = {"sqlite": 43_000, "postgresql": 120_000}


def midnight() -> int:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(today.timestamp()) * SECOND


def requests(count: int, seed: int = 1) -> Iterator[tuple[Span, ...]]:
    """Spans of yesterday in the order in which they would come."""
    made = Maker(seed).spans(count, midnight() - 24 * HOUR, midnight())
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


# ---- where ---------------------------------------------------------------------------------------------------------
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--spans", type=int, default=200_000)
    given = parser.parse_args()
    for engine in given.engine or ["sqlite", "postgresql"]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postroom-spans-")))
            compare_writing(engine, placer(engine, folder, stack), given.spans)


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
