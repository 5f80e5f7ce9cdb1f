"""What is asked of a full store, and how long the answers take:

    python -m tests.bench.span_questions_bench [--engines sqlite,postgres] [--spans 10000000] [--data FOLDER]

A day of --spans spans of fifteen agents (skewed; the attribute that is sought stands in one span of a million), and
the same of 100,000 beside it to show how cost grows. Cold: the kernel has forgotten the store's files and every
connection is new; warm: the same question for the second time. Pages are asked of Django itself, over that store.
--data keeps the prepared spans, so that a second run begins at once. Each line ends in HELD or MISSED.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from tests.bench import span_asked, span_data
from tests.bench.span_asked import Times
from tests.bench.span_data import DataSet
from tests.support import servers
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
    drop_ms: float


@dataclass(frozen=True, slots=True)
class Place:
    """A Postroom with a database of its own, and the store in it."""

    house: House
    home: Home


@contextmanager
def place_on(engine: str) -> Iterator[Place]:
    """Empty; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder, servers.redis_server() as redis:
        data = Path(folder) / "data"
        if engine == "sqlite":
            house = House(data)
            house.environ["POSTROOM_REDIS_URL"] = redis
            yield Place(house, Home("sqlite", str(data / "telemetry" / "spans")))
            return
        with servers.postgres_database(servers.postgres_server()) as url:
            house = House(data, url)
            house.environ["POSTROOM_REDIS_URL"] = redis
            yield Place(house, Home("postgresql", url))


def measured(engine: str, data: DataSet) -> Full:
    with place_on(engine) as place:
        _fill(place, data)
        found = span_asked.everything(place.home, data.sample())
        _tell(found)
        pages = _pages(place.house, data)
        _tell(pages)
        return Full(found, pages, _drop(place.home, data))


def _tell(times: Times) -> None:
    """As it is found out, for who cannot wait for the table."""
    for name, (cold, warm) in times.items():
        print(f"    {name}: p95 {cold:.0f} ms cold, {warm:.0f} ms warm", flush=True)


def _fill(place: Place, data: DataSet) -> None:
    shelf, began = place.home.shelf(), time.perf_counter()
    data.fill(shelf)
    took = time.perf_counter() - began
    (size,) = shelf.sizes()
    shelf.close()
    if place.home.engine == "postgresql":
        _settle(place.home)
    os.sync()
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
    return {name: (cold, warm) for name, (cold, warm) in json.loads(told).items()}


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
    print(f"{engine}: p95 in ms, cold / warm{SMALL:>22,}{count:>20,}{'limit':>9}")
    lines = [_line(name, small.found[name], large.found[name], limit) for name, limit in LIMITS.items()]
    for name in large.pages:
        lines.append(_line(f"page {name}", small.pages[name], large.pages[name], PAGE_LIMIT))
    lines.append(_line("dropping the day", (small.drop_ms,) * 2, (large.drop_ms,) * 2, DROP_LIMIT))
    return all(lines)


def _line(name: str, small: tuple[float, float], large: tuple[float, float], limit: int) -> bool:
    held = max(large) < limit
    cells = [f"{cold:7.1f} / {warm:6.1f}" for cold, warm in (small, large)]
    print(f"  {name:<30}{cells[0]:>20}{cells[1]:>20}{limit:>9}  {'HELD' if held else 'MISSED'}", flush=True)
    return held


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engines", default="sqlite,postgres")
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--data", type=Path, help="a folder that keeps the prepared spans")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="postroom-spans-") as folder:
        small, large = (_prepared(given.data or Path(folder), each) for each in (SMALL, given.spans))
        held = [_bench(engine, small, large) for engine in given.engines.split(",")]
    return 0 if all(held) else 1


def _prepared(folder: Path, count: int) -> DataSet:
    began = time.perf_counter()
    made = span_data.prepare(folder, count, _yesterday())
    print(f"{count:,} spans prepared in {time.perf_counter() - began:.0f} s", flush=True)
    return made


def _bench(engine: str, small: DataSet, large: DataSet) -> bool:
    print(f"{engine}: load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    held = report(engine, measured(engine, small), measured(engine, large), large.count)
    print(f"{engine}: load of the machine {os.getloadavg()[0]:.1f} at the end", flush=True)
    return held


def _yesterday() -> int:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=1)).timestamp()) * SECOND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
