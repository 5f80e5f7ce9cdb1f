"""The shelf on SQLite: a folder and a file for each part, so that retention removes files.

One process writes in bulk (intake); any number read. A commit survives kill −9 of the process.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from agents.spans import days
from agents.spans.api import StoreBusyError, StoreFullError, StoreGoneError
from agents.spans.shelf import PartGoneError, PartSize
from agents.spans.sql_part import TABLES, SqlPart
from core import ids

FILE = "store.sqlite3"
ASTRAY_FOLDER = "astray"
DROPPED = "dropped-"
# Handles that a reader looks for alone; more are shared out among so many readers.
ALONE, ABREAST = 128, 4
# Idle connections that are kept for each part.
KEPT = 1 + ABREAST
# Rows that one statement inserts.
ROWS_TOGETHER = 32
PATIENCE = 20.0
WAL_LIMIT = 64 * 1024 * 1024
# Less than this is no space: SQLite reports a full disk in several ways.
NO_SPACE = 1024 * 1024

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    f"PRAGMA journal_size_limit={WAL_LIMIT}",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32000",
)
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS part (number INTEGER PRIMARY KEY, made INTEGER NOT NULL, newest INTEGER NOT NULL,"
    " spans INTEGER NOT NULL, logs INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL, received INTEGER NOT NULL,"
    " filter BLOB NOT NULL, core BLOB NOT NULL, details BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS block_by_time ON block (stream, last, id, first)",
    "CREATE TABLE IF NOT EXISTS handle (key BLOB NOT NULL, block INTEGER NOT NULL, ids BLOB NOT NULL,"
    " PRIMARY KEY (key, block)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, key BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS share (grouped INTEGER NOT NULL, item INTEGER NOT NULL, block INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, PRIMARY KEY (grouped, item, block)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS digest (digest BLOB PRIMARY KEY, block INTEGER NOT NULL) WITHOUT ROWID",
)

# A handle, a block, and the span ids that it leads to.
Found: TypeAlias = tuple[bytes, int, bytes]
Finding: TypeAlias = Callable[[Sequence[bytes]], list[Found]]


@dataclass(slots=True)
class _Open:
    """A connection to one part's file, and what it has learned about the part."""

    connection: sqlite3.Connection
    file: int  # inode: while the connection is open no other file can have it
    series: dict[tuple[int, bytes], int] = field(default_factory=dict)


class SqlitePart(SqlPart):
    """A part in its own file. `share_out` looks for many handles at once. Who writes goes without: what it has not
    committed, nobody else sees."""

    def __init__(self, part: int, opened: _Open, share_out: Finding | None = None) -> None:
        super().__init__(part, {name: name for name in (*TABLES, "part")}, opened.series)
        self._execute = opened.connection.execute
        self._execute_many = opened.connection.executemany
        self._share_out = share_out

    def handles(self, keys: Collection[bytes]) -> list[Found]:
        if self._share_out is None or len(keys) <= ALONE:
            return super().handles(keys)
        return self._share_out(sorted(keys))

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self._execute(sql.format_map(self.tables), values).fetchall()

    def among(self, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        return f"{column} IN ({','.join('?' * len(values))})", list(values)

    def insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """So many by one statement that Python's lock changes hands a few times and not for each row: another
        thread that decodes meanwhile keeps it for milliseconds."""
        if not rows:
            return
        marks = f"({','.join('?' * len(rows[0]))})"
        into = f"INSERT INTO {table} ({columns}) VALUES "  # noqa: S608
        whole = len(rows) - len(rows) % ROWS_TOGETHER
        for start in range(0, whole, ROWS_TOGETHER):
            together = chain.from_iterable(rows[start : start + ROWS_TOGETHER])
            self._execute(into + ",".join([marks] * ROWS_TOGETHER), tuple(together))
        self._execute_many(into + marks, rows[whole:])


class SqliteShelf:
    """Parts as folders below one folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._idle: dict[int, list[_Open]] = {}
        self._process = os.getpid()

    def parts(self) -> tuple[int, ...]:
        if not self.folder.is_dir():
            return ()
        found = (_part_of(entry.name) for entry in os.scandir(self.folder) if entry.is_dir())
        return tuple(sorted((part for part in found if part is not None), reverse=True))

    @contextmanager
    def reading(self, part: int) -> Iterator[SqlitePart]:
        with self._errors(part), self._lease(part) as opened:
            yield SqlitePart(part, opened, partial(self._handles, part))

    @contextmanager
    def writing(self, part: int) -> Iterator[SqlitePart]:
        with self._errors(part):
            self._make(part)
            with self._lease(part) as opened:
                opened.connection.execute("BEGIN IMMEDIATE")
                work = SqlitePart(part, opened)
                try:
                    yield work
                    opened.connection.execute("COMMIT")
                except BaseException:
                    _roll_back(opened.connection)
                    raise
                opened.series = work.series_numbers
                self._bound_wal(part, opened.connection)

    def drop(self, part: int) -> bool:
        """The folder gets another name at once, whoever still reads in it; then its files go."""
        gone = self.folder / f"{DROPPED}{ids.new()}"
        try:
            self._path(part).parent.rename(gone)
        except FileNotFoundError:
            return False
        self._forget(part)
        shutil.rmtree(gone, ignore_errors=True)
        return True

    def sizes(self) -> list[PartSize]:
        found = []
        for part in self.parts():
            with suppress(PartGoneError), self.reading(part) as reader:
                spans, logs = reader.rows("SELECT spans, logs FROM {part}")[0]
                found.append(PartSize(part, spans, logs, self._size(part)))
        return found

    def close(self) -> None:
        for part in list(self._idle):
            self._forget(part)

    def _handles(self, part: int, keys: Sequence[bytes]) -> list[Found]:
        """By several readers at once: each look-up in a file that the kernel has forgotten waits for the disk, and
        the disk can be waited for together."""
        each = -(-len(keys) // ABREAST)
        shares = [keys[start : start + each] for start in range(0, len(keys), each)]
        with ThreadPoolExecutor(ABREAST, "span-handles") as pool:
            return list(chain.from_iterable(pool.map(partial(self._handles_alone, part), shares)))

    def _handles_alone(self, part: int, keys: Sequence[bytes]) -> list[Found]:
        with self._errors(part), self._lease(part) as opened:
            return SqlitePart(part, opened).handles(keys)

    # ---- files and connections -----------------------------------------------------------------------------
    def _path(self, part: int) -> Path:
        day = days.day_of(part)
        return self.folder / (day.isoformat() if day else ASTRAY_FOLDER) / FILE

    def _size(self, part: int) -> int:
        return sum(file.stat().st_size for file in self._path(part).parent.iterdir())

    def _make(self, part: int) -> None:
        path = self._path(part)
        if path.exists() and self._idle.get(part):
            return
        self._sweep()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = _connect(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute(
                "INSERT OR IGNORE INTO part VALUES (?, ?, 0, 0, 0)", (part, secrets.randbits(31))
            )
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _sweep(self) -> None:
        """Remove what a drop that was killed left behind."""
        for left in self.folder.glob(f"{DROPPED}*"):
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def _lease(self, part: int) -> Iterator[_Open]:
        opened = self._take(part)
        try:
            yield opened
        except sqlite3.Error:
            opened.connection.close()
            raise
        except BaseException:
            self._give_back(part, opened)
            raise
        self._give_back(part, opened)

    def _take(self, part: int) -> _Open:
        path = self._path(part)
        try:
            file = path.stat().st_ino
        except FileNotFoundError:
            self._forget(part)
            raise PartGoneError from None
        with self._lock:
            idle = self._own_idle().get(part)
            opened = idle.pop() if idle else None
        if opened and opened.file == file:
            return opened
        if opened:
            opened.connection.close()
        return _Open(_connect(path), file)

    def _give_back(self, part: int, opened: _Open) -> None:
        with self._lock:
            idle = self._own_idle().setdefault(part, [])
            if len(idle) < KEPT:
                idle.append(opened)
                return
        opened.connection.close()

    def _own_idle(self) -> dict[int, list[_Open]]:
        """Connections of a parent process must not be used, nor closed, after a fork."""
        if self._process != os.getpid():
            self._process, self._idle = os.getpid(), {}
        return self._idle

    def _forget(self, part: int) -> None:
        with self._lock:
            idle = self._own_idle().pop(part, [])
        for opened in idle:
            opened.connection.close()

    def _bound_wal(self, part: int, connection: sqlite3.Connection) -> None:
        """A reader can keep the log from starting anew; then it is emptied as soon as nobody reads."""
        wal = self._path(part).with_name(f"{FILE}-wal")
        with suppress(OSError, sqlite3.OperationalError):
            if wal.stat().st_size > WAL_LIMIT:
                connection.execute("PRAGMA busy_timeout=100")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute(f"PRAGMA busy_timeout={int(PATIENCE * 1000)}")

    @contextmanager
    def _errors(self, part: int) -> Iterator[None]:
        """SQLite's errors in the store's words."""
        try:
            yield
        except sqlite3.OperationalError as problem:
            raise self._meaning(part, problem) from problem
        except OSError as problem:
            if _is_full(self.folder):
                raise StoreFullError(StoreFullError.__doc__) from problem
            raise StoreGoneError(f"{self.folder} cannot be used: {problem.strerror}.") from problem

    def _meaning(self, part: int, problem: sqlite3.OperationalError) -> Exception:
        code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or _is_full(self.folder):
            return StoreFullError(StoreFullError.__doc__)
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return StoreBusyError(StoreBusyError.__doc__)
        if not self._path(part).exists() or "no such table" in str(problem):
            return PartGoneError()
        return StoreGoneError(f"{self._path(part)} cannot be used: {problem}.")


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw where the file is there: a reader must not bring a dropped part back.
    mode = "rw" if path.exists() else "rwc"
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    for pragma in PRAGMAS:
        _set(connection, pragma)
    return connection


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    """Patiently: SQLite itself waits for nobody when two processes turn a new file to WAL in the same moment."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute(pragma)
            return
        except sqlite3.OperationalError as problem:
            busy = getattr(problem, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                connection.close()
                raise
            time.sleep(0.005)


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _part_of(name: str) -> int | None:
    """The part that a folder keeps; None for a folder of something else."""
    if name == ASTRAY_FOLDER:
        return days.ASTRAY
    try:
        return days.part_of_day(date.fromisoformat(name))
    except ValueError:
        return None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < NO_SPACE
    except OSError:
        return False
