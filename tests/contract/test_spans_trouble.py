"""A full disk, a day that is dropped under readers, a database that goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from agents.spans.api import Batch, Query, SpanStore, StoreFullError, StoreGoneError
from agents.spans.values import Span, encode
from core import clock
from tests.support import span_stores
from tests.support.span_stores import Home
from tests.support.telemetry import HOUR, SECOND, Maker

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MOMENT = int(NOON.timestamp()) * SECOND
YESTERDAY = NOON.date() - timedelta(days=1)


def bulky(seed: int) -> Batch:
    """Spans that do not compress, so that a small disk is soon full."""
    made = Maker(seed).spans(200, MOMENT - HOUR, MOMENT)
    return Batch(tuple(span._replace(attributes=encode({"noise": os.urandom(1_000).hex()})) for span in made))


@pytest.fixture
def full_home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """A home on a file system of a few megabytes; for PostgreSQL a tablespace there."""
    engine = request.param
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(span_stores.small_disk(tmp_path / "disk", "8m"))
        except OSError as problem:
            pytest.skip(f"needs the right to mount a small file system: {problem}")
        if engine == "sqlite":
            yield Home("sqlite", str(disk / "spans"))
            return
        home: Home = request.getfixturevalue("postgres_spans")
        span_stores.empty(home)
        stack.enter_context(_tablespace(home, disk))
        yield home
        span_stores.empty(home)


class _tablespace:  # noqa: N801 - used as a function
    """New tables of the database's go to a folder of ours, for as long as this lasts."""

    def __init__(self, home: Home, disk: Path) -> None:
        self.home, self.disk = home, disk
        self.name = f"postroom_test_{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> None:
        for folder in [self.disk, *self.disk.parents]:
            if str(folder).startswith("/tmp/") and folder != self.disk:
                folder.chmod(folder.stat().st_mode | 0o011)
        try:
            shutil.chown(self.disk, "postgres", "postgres")
            self._run(f"CREATE TABLESPACE {self.name} LOCATION '{self.disk}'")
        except (psycopg.Error, LookupError, OSError) as problem:
            pytest.skip(f"needs PostgreSQL on this machine and the right to make a tablespace: {problem}")
        self._run(f"ALTER DATABASE {self._database} SET default_tablespace = {self.name}")

    def __exit__(self, *_: object) -> None:
        span_stores.empty(self.home)
        self._run(f"ALTER DATABASE {self._database} RESET default_tablespace")
        self._run(f"DROP TABLESPACE {self.name}")

    @property
    def _database(self) -> str:
        return self.home.address.rsplit("/", 1)[1]

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.home.address, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.mark.parametrize("full_home", ["sqlite", "postgresql"], indirect=True)
def test_a_full_disk_is_said_and_harms_nothing(full_home: Home) -> None:
    store = full_home.store()
    with clock.held(NOON):
        acknowledged = until_full(store)
    assert acknowledged, "the disk was full before anything was written"
    found = everything(full_home.store())
    assert sorted(found) == sorted(acknowledged)
    # A day that goes makes room again.
    with clock.held(NOON):
        store.drop_day(NOON.date())
        assert store.write(bulky(0)).spans == 200
    store.close()


def until_full(store: SpanStore) -> list[Span]:
    """Write until the store says that it is full; returns what it acknowledged before."""
    acknowledged: list[Span] = []
    for seed in range(200):
        batch = bulky(seed)
        try:
            store.write(batch)
        except StoreFullError:
            return acknowledged
        acknowledged += batch.spans
    pytest.fail("the disk was never full")


def everything(store: SpanStore) -> list[Span]:
    rows: list[Span] = []
    cursor = ""
    while True:
        read = store.read_since(cursor)
        rows, cursor = [*rows, *read.rows], read.cursor
        if not read.more:
            store.close()
            return rows


def test_a_day_dropped_under_readers_disturbs_none(store: SpanStore, home: Home) -> None:
    spans = list(Maker().spans(4_000, MOMENT - 36 * HOUR, MOMENT))
    with clock.held(NOON):
        for start in range(0, 4_000, 200):
            store.write(Batch(tuple(spans[start : start + 200])))
    troubles: list[Exception] = []
    begun, stop = threading.Event(), threading.Event()

    def read() -> None:
        own = home.store()
        try:
            while not stop.is_set():
                for page in (own.search(Query(), limit=4_000), own.search(Query(text=("pay",)), limit=100)):
                    assert page.rows
                own.facets(Query(), ["agent"])
                own.get_trace(spans[0].trace_id)
                own.read_since("", limit=4_000)
                begun.set()
        except Exception as problem:
            troubles.append(problem)
            begun.set()
        finally:
            own.close()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    assert begun.wait(60)
    assert store.drop_day(YESTERDAY)
    left = {span for span in spans if span.start >= MOMENT - 12 * HOUR}
    assert set(store.search(Query(), limit=5_000).rows) == left
    stop.set()
    for reader in readers:
        reader.join(60)
    assert troubles == []


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    away = Home("postgresql", "postgresql://postgres@127.0.0.1:1/none").store()
    with pytest.raises(StoreGoneError):
        away.search(Query(), limit=1)
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    with clock.held(NOON), pytest.raises(StoreGoneError):
        Home("sqlite", str(blocked / "spans")).store().write(bulky(1))


def test_connections_lost_meanwhile_are_opened_again(postgres_spans: Home) -> None:
    span_stores.empty(postgres_spans)
    store = postgres_spans.store()
    with clock.held(NOON):
        store.write(bulky(1))
        with psycopg.connect(postgres_spans.address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(StoreGoneError):
            store.write(bulky(2))
        assert store.write(bulky(2)).spans == 200
    store.close()


def test_a_forked_process_opens_its_own_connections(home: Home) -> None:
    script = (
        "import os, sys\n"
        "from datetime import timedelta\n"
        "from agents.spans.api import Batch\n"
        "from tests.support.span_stores import Home\n"
        "from tests.support.span_writer import batches, now\n"
        "store = Home(sys.argv[1], sys.argv[2]).store()\n"
        "first, second = batches(1, 2, 50, now())\n"
        "store.write(Batch(first))\n"
        "child = os.fork()\n"
        "store.write(Batch(second))\n"
        "store.search(__import__('agents.spans.api', fromlist=['Query']).Query(), limit=10)\n"
        "if child == 0: os._exit(0)\n"
        "sys.exit(os.waitpid(child, 0)[1])\n"
    )
    command = [sys.executable, "-c", script, home.engine, home.address]
    subprocess.run(command, cwd=span_stores.ROOT, check=True, timeout=60)
    assert len(everything(home.store())) == 100
