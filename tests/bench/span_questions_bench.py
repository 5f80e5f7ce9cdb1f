"""What is asked of a full store, and how long the answers take:

    python -m tests.bench.span_questions_bench [--engines sqlite,postgres] [--spans 10000000] [--data FOLDER]
                                               [--parts questions,pages] [--keep | --drop-kept]

A day of --spans spans of fifteen agents (skewed; the attribute that is sought stands in one span of a million), and
the same of 100,000 beside it to show how cost grows. Cold: the kernel has forgotten the store's files and every
connection is new; warm: the same question for the second time. Pages are asked of Django itself, over that store.
--data keeps the prepared spans, so that a second run begins at once; --keep keeps the filled stores there too (and
a database of PostgreSQL), asks them again at the next run, and drops no day; --drop-kept removes them. Behind each
time stand the milliseconds of this process's own work, warm: on a busy machine they say more. Each line ends in HELD
or MISSED.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from tests.bench import span_asked, span_data, span_places
from tests.bench.span_asked import Times, Took
from tests.bench.span_data import DataSet
from tests.bench.span_places import Place
from tests.support.house import House
from tests.support.span_stores import Home
from tests.support.telemetry import SECOND

SMALL = 100_000
# Milliseconds that an answer may take, by what is asked; 95 of 100 answers must be sooner.
LIMITS = {
    "trace by id": 50,
    "search on indexed fields": 200,
    "any attribute within an hour": 1_000,
    "facets of an hour": 300,
    "facets of the day": 300,
}
PAGE_LIMIT, DROP_LIMIT = 300, 1_000
# Seconds that the pages may take together on a busy machine.
PATIENCE = 1_800.0


@dataclass(frozen=True, slots=True)
class Full:
    """What was measured on one store."""

    found: Times
    pages: Times
    # None: the store is kept.
    drop_ms: float | None


@dataclass(frozen=True, slots=True)
class Given:
    """What was asked for on the command line."""

    folder: Path
    parts: list[str]
    keep: bool

    def place(self, engine: str, count: int) -> AbstractContextManager[Place]:
        return span_places.kept(engine, self.folder, count) if self.keep else span_places.of_one_run(engine)


def measured(given: Given, engine: str, data: DataSet) -> Full:
    with given.place(engine, data.count) as place:
        if not place.is_filled:
            _fill(place, data)
        found, pages = _questions(given, place, data), _pages_of(given, place, data)
        return Full(found, pages, None if place.mark else _drop(place.home, data))


def _questions(given: Given, place: Place, data: DataSet) -> Times:
    found = span_asked.everything(place.home, data.sample()) if "questions" in given.parts else {}
    _tell(found)
    return found


def _pages_of(given: Given, place: Place, data: DataSet) -> Times:
    pages = _pages(place.house, data) if "pages" in given.parts else {}
    _tell(pages)
    return pages


def _tell(times: Times) -> None:
    """As it is found out, for who cannot wait for the table."""
    for name, took in times.items():
        print(
            f"    {name}: p95 {took.cold:.0f} ms cold, {took.warm:.0f} warm,"
            f" of its own work {took.cold_work:.0f} and {took.warm_work:.0f}",
            flush=True,
        )


def _fill(place: Place, data: DataSet) -> None:
    shelf, began = place.home.shelf(), time.perf_counter()
    data.fill(shelf)
    took = time.perf_counter() - began
    (size,) = shelf.sizes()
    shelf.close()
    if place.home.engine == "postgresql":
        _settle(place.home)
    os.sync()
    if place.mark:
        place.mark.touch()
    print(
        f"  {size.spans:,} spans and {size.logs:,} log records in {took:.0f} s,"
        f" {size.size / (size.spans + size.logs):.0f} B each on disk, indexes included",
        flush=True,
    )


def _settle(home: Home) -> None:
    """What autovacuum and the checkpointer have done to a day's spans by the time they are asked for."""
    with psycopg.connect(home.address, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _pages(house: House, data: DataSet) -> Times:
    command = ("-m", "tests.bench.span_pages", str(data.folder), str(data.count), str(data.start))
    house.patience = PATIENCE
    told = house.run(*command).stdout.splitlines()[-1]
    return {name: Took(*took) for name, took in json.loads(told).items()}


def _drop(home: Home, data: DataSet) -> float:
    store = home.store()
    began = time.perf_counter()
    assert store.drop_day(datetime.fromtimestamp(data.start / SECOND, UTC).date())
    took = time.perf_counter() - began
    assert store.stats().spans == 0
    store.close()
    return took * 1_000


# ---- Saying it -------------------------------------------------------------------------------------------------
def report(engine: str, small: Full, large: Full, count: int) -> bool:
    print(f"{engine}: p95 in ms, cold / warm (work){SMALL:>21,}{count:>27,}{'limit':>9}")
    lines = [_line(name, small.found[name], large.found[name], LIMITS[name]) for name in large.found]
    for name in large.pages:
        lines.append(_line(f"page {name}", small.pages[name], large.pages[name], PAGE_LIMIT))
    if small.drop_ms is not None and large.drop_ms is not None:
        lines.append(_line("dropping the day", _once(small.drop_ms), _once(large.drop_ms), DROP_LIMIT))
    return all(lines)


def _once(took: float) -> Took:
    return Took(took, took, 0, 0)


def _line(name: str, small: Took, large: Took, limit: int) -> bool:
    held = max(large.cold, large.warm) < limit
    cells = [f"{it.cold:7.1f} / {it.warm:6.1f} ({it.warm_work:5.1f})" for it in (small, large)]
    print(f"  {name:<30}{cells[0]:>27}{cells[1]:>27}{limit:>9}  {'HELD' if held else 'MISSED'}", flush=True)
    return held


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engines", default="sqlite,postgres")
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--data", type=Path, help="a folder that keeps the prepared spans")
    parser.add_argument("--parts", default="questions,pages", help="what is asked of the stores")
    parser.add_argument(
        "--keep", action="store_true", help="keep the filled stores in --data, or use them again"
    )
    parser.add_argument("--drop-kept", action="store_true", help="only remove what --keep kept")
    given = parser.parse_args(arguments)
    if (given.keep or given.drop_kept) and not given.data:
        parser.error("name the folder of the kept stores with --data")
    engines = given.engines.split(",")
    if given.drop_kept:
        return _drop_kept(engines, given.data, given.spans)
    with tempfile.TemporaryDirectory(prefix="postroom-spans-") as folder:
        asked = Given(given.data or Path(folder), given.parts.split(","), given.keep)
        small, large = (_prepared(asked.folder, each) for each in (SMALL, given.spans))
        held = [_bench(asked, engine, small, large) for engine in engines]
    if given.keep:
        _say_how_to_drop(given)
    return 0 if all(held) else 1


def _say_how_to_drop(given: argparse.Namespace) -> None:
    command = f"--engines {given.engines} --spans {given.spans} --data {given.data} --drop-kept"
    print(f"Kept. To remove: python -m tests.bench.span_questions_bench {command}", flush=True)


def _drop_kept(engines: list[str], folder: Path, count: int) -> int:
    for engine in engines:
        for each in (SMALL, count):
            span_places.drop(engine, folder, each)
    return 0


def _prepared(folder: Path, count: int) -> DataSet:
    began = time.perf_counter()
    made = span_data.prepare(folder, count, _yesterday())
    print(f"{count:,} spans prepared in {time.perf_counter() - began:.0f} s", flush=True)
    return made


def _bench(given: Given, engine: str, small: DataSet, large: DataSet) -> bool:
    print(f"{engine}: load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    few, many = measured(given, engine, small), measured(given, engine, large)
    held = report(engine, few, many, large.count)
    print(f"{engine}: load of the machine {os.getloadavg()[0]:.1f} at the end", flush=True)
    return held


def _yesterday() -> int:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=1)).timestamp()) * SECOND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
