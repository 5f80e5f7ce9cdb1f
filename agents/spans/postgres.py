"""The shelf on PostgreSQL: native partitions by part, any number of writing processes.

The part's row in spans_part is locked from the look for repeats to the commit. So writers of one part follow
each other, numbers of blocks are given in the order of commit, and one that is seen has all below it behind it.
What takes time (packing) was done before; the lock is held for a few milliseconds.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors

from agents.spans import days
from agents.spans.api import StoreBusyError, StoreFullError, StoreGoneError
from agents.spans.shelf import PartGoneError, PartSize
from agents.spans.sql_part import TABLES, SqlPart
from core import clock

KEPT = 8
# A connection that rested longer is asked whether it still lives before it is used.
RESTED = 5.0
SESSION = (
    "SET synchronous_commit = on",
    "SET lock_timeout = '20s'",
    # Compiling a statement takes longer than any of ours runs.
    "SET jit = off",
    # A writer that hangs must not hold the part for ever.
    "SET idle_in_transaction_session_timeout = '30s'",
)
# What COPY is told of the columns, so that values travel in binary.
TYPES = {
    "block": ("int4", "int4", "int2", "int8", "int8", "int4", "int8", "bytea", "bytea", "bytea"),
    "handle": ("int4", "bytea", "int4", "bytea"),
    "series": ("int4", "int4", "int2", "bytea"),
    "share": ("int4", "int4", "int4", "int4", "int4"),
    "digest": ("int4", "bytea", "int4"),
}
# No two processes make or drop parts at once.
PARTS_LOCK = 0x706F7374

Series = dict[tuple[int, bytes], int]
Connection = psycopg.Connection[tuple[Any, ...]]


class PostgresPart(SqlPart):
    """A part in its own partitions."""

    def __init__(self, part: int, connection: Connection, series: Series) -> None:
        tables = {name: f"spans_{name}_{_suffix(part)}" for name in TABLES}
        super().__init__(part, tables | {"part": "spans_part"}, series)
        self._connection = connection

    def rows(self, sql: str, *values: Any) -> list[Any]:
        statement = sql.format_map(self.tables).replace("?", "%s")
        cursor = self._connection.execute(statement.encode(), values, binary=True)
        return cursor.fetchall() if cursor.description else []

    def among(self, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        return f"{column} = ANY(?)", [list(values)]

    def insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        into = f"COPY {self.tables[table]} (part, {columns}) FROM STDIN (FORMAT BINARY)"
        with self._connection.cursor() as cursor, cursor.copy(into.encode()) as copy:
            copy.set_types(TYPES[table])
            for row in rows:
                copy.write_row((self.part, *row))


class PostgresShelf:
    """Parts as partitions. `connect` opens a connection to the telemetry database, in its schema."""

    name = "postgresql"

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Connection]] = []
        self._process = os.getpid()
        self._series: dict[int, Series] = {}

    def parts(self) -> tuple[int, ...]:
        with self._errors(), self._lease() as connection:
            found = connection.execute("SELECT number FROM spans_part ORDER BY number DESC").fetchall()
        return tuple(number for (number,) in found)

    @contextmanager
    def reading(self, part: int) -> Iterator[PostgresPart]:
        with self._errors(), self._lease() as connection:
            yield PostgresPart(part, connection, {})

    @contextmanager
    def writing(self, part: int) -> Iterator[PostgresPart]:
        with self._errors(), self._lease() as connection:
            self._make(connection, part)
            with connection.transaction():
                made = _hold(connection, part)
                work = PostgresPart(part, connection, self._series.get(made, {}))
                yield work
            self._series[made] = work.series_numbers

    def drop(self, part: int) -> bool:
        """Waits for the writer and the statements that are at work on the part; each takes milliseconds."""
        with self._errors(), self._lease() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (PARTS_LOCK,))
            gone = connection.execute(
                "DELETE FROM spans_part WHERE number = %s RETURNING made", (part,)
            ).fetchone()
            if gone:
                tables = ", ".join(f"spans_{name}_{_suffix(part)}" for name in TABLES)
                connection.execute(f"DROP TABLE {tables}".encode())
                self._series.pop(gone[0], None)
        return gone is not None

    def sizes(self) -> list[PartSize]:
        with self._errors(), self._lease() as connection:
            found = connection.execute(
                "SELECT number, spans, logs FROM spans_part ORDER BY number DESC"
            ).fetchall()
            return [PartSize(part, spans, logs, _size(connection, part)) for part, spans, logs in found]

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._own_idle(), []
        for _, connection in idle:
            connection.close()

    # ---- parts ---------------------------------------------------------------------------------------------
    def _make(self, connection: Connection, part: int) -> None:
        """Make the part's partitions, once, whoever else is about to: attached rather than made in place, so
        that readers of other days need not wait."""
        if connection.execute("SELECT 1 FROM spans_part WHERE number = %s", (part,)).fetchone():
            return
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (PARTS_LOCK,))
            if connection.execute(
                "INSERT INTO spans_part VALUES (%s, %s, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING 1",
                (part, secrets.randbits(31)),
            ).fetchone():
                for name in TABLES:
                    table = f"spans_{name}_{_suffix(part)}"
                    connection.execute(f"CREATE TABLE {table} (LIKE spans_{name} INCLUDING ALL)".encode())
                    attach = f"ALTER TABLE spans_{name} ATTACH PARTITION {table} FOR VALUES IN ({part})"
                    connection.execute(attach.encode())

    # ---- connections ---------------------------------------------------------------------------------------
    @contextmanager
    def _lease(self) -> Iterator[Connection]:
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _take(self) -> Connection:
        while True:
            with self._lock:
                idle = self._own_idle()
                since, connection = idle.pop() if idle else (0.0, None)
            if connection is None:
                return self._open()
            if clock.monotonic() - since < RESTED or _lives(connection):
                return connection
            connection.close()

    def _open(self) -> Connection:
        connection = self._connect()
        connection.autocommit = True
        for setting in SESSION:
            connection.execute(setting.encode())
        return connection

    def _give_back(self, connection: Connection) -> None:
        idle_state = psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            idle = self._own_idle()
            usable = not connection.closed and connection.info.transaction_status == idle_state
            if usable and len(idle) < KEPT:
                idle.append((clock.monotonic(), connection))
                return
        connection.close()

    def _own_idle(self) -> list[tuple[float, Connection]]:
        """Connections of a parent process must not be used after a fork."""
        if self._process != os.getpid():
            self._process, self._idle = os.getpid(), []
        return self._idle

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """PostgreSQL's errors in the store's words."""
        try:
            yield
        except errors.UndefinedTable as problem:
            if "spans_part" in str(problem):
                raise StoreGoneError(
                    "The telemetry tables are missing: run `manage.py migrate`."
                ) from problem
            raise PartGoneError from problem
        except errors.DiskFull as problem:
            raise StoreFullError(StoreFullError.__doc__) from problem
        except (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled) as problem:
            raise StoreBusyError(StoreBusyError.__doc__) from problem
        except (psycopg.OperationalError, psycopg.InterfaceError) as problem:
            self.close()
            raise StoreGoneError(StoreGoneError.__doc__) from problem


def _hold(connection: Connection, part: int) -> int:
    """Lock the part's row until the end of the transaction. It tells this part from one dropped before it."""
    row = connection.execute("SELECT made FROM spans_part WHERE number = %s FOR UPDATE", (part,)).fetchone()
    if row is None:
        raise StoreBusyError("The day was dropped at this moment. Send it again.")
    return int(row[0])


def _suffix(part: int) -> str:
    day = days.day_of(part)
    return day.strftime("%Y%m%d") if day else "astray"


def _size(connection: Connection, part: int) -> int:
    row = None
    with suppress(errors.UndefinedTable):
        names = [f"spans_{name}_{_suffix(part)}" for name in TABLES]
        row = connection.execute(
            "SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint"
            " FROM unnest(%s::text[]) AS name",
            (names,),
        ).fetchone()
    return int(row[0]) if row else 0


def _lives(connection: Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
