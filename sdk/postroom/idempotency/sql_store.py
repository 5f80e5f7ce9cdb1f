"""Idempotency records in a SQL database that the agent already has: SQLite, or PostgreSQL through psycopg.

    store = SqlStore(lambda: sqlite3.connect("orders.db"))
    store.make_tables()

The store opens connections of its own with this function, one per thread. Only `finish_within` uses the agent's.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

from postroom.delivery.api import Done
from postroom.idempotency import statements
from postroom.idempotency.api import Fresh, Handled, InProgress, LeaseLostError, StoreUnavailableError

# Expired records are removed by every so many begins of a process.
FORGET_EVERY: Final = 1000


class SqlStore:
    """Any DB-API connection to SQLite or PostgreSQL."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect, self._local = connect, threading.local()
        self._lock, self._open, self._pid, self._begun = threading.Lock(), list[Any](), os.getpid(), 0

    def make_tables(self) -> None:
        """Make the table if it is not there. Who has migrations puts `statements.tables` into one."""
        with self._cursor() as (cursor, dialect):
            for statement in statements.tables(dialect):
                cursor.execute(statement)

    def begin(self, key: str, lease: float, owner: str = "") -> Fresh | InProgress | Handled:
        """See the protocol."""
        self._begun += 1
        with self._cursor() as (cursor, dialect):
            if self._begun % FORGET_EVERY == 0:
                statements.forget(cursor, dialect)
            return statements.begin(cursor, dialect, key, lease, owner)

    def renew(self, fresh: Fresh, lease: float) -> None:
        """See the protocol."""
        with self._cursor() as (cursor, dialect):
            statements.renew(cursor, dialect, fresh, lease)

    def finish(self, fresh: Fresh, result: bytes, keep: float) -> None:
        """See the protocol."""
        with self._cursor() as (cursor, dialect):
            statements.finish(cursor, dialect, fresh, result, keep)

    def finish_within(self, connection: Any, fresh: Fresh, result: bytes, keep: float) -> None:
        """See the protocol."""
        with closing(connection.cursor()) as cursor:
            statements.finish(cursor, dialect_of(connection), fresh, result, keep)

    def release(self, fresh: Fresh) -> None:
        """See the protocol."""
        with self._cursor() as (cursor, dialect):
            statements.release(cursor, dialect, fresh)

    def record(self, done: Done) -> None:
        """See the protocol."""
        with self._cursor() as (cursor, dialect):
            statements.record(cursor, dialect, done)

    def close(self) -> None:
        """See the protocol."""
        with self._lock:
            mine, self._open = (self._open if self._pid == os.getpid() else []), []
        self._local = threading.local()
        for connection in mine:
            _close(connection)

    @contextmanager
    def _cursor(self) -> Iterator[tuple[Any, statements.Dialect]]:
        """One transaction. A connection that failed is not used again."""
        connection = self._mine()
        try:
            with closing(connection.cursor()) as cursor:
                yield cursor, dialect_of(connection)
            connection.commit()
        except LeaseLostError:
            connection.rollback()
            raise
        except Exception as problem:
            self._drop(connection)
            raise StoreUnavailableError(f"the idempotency store did not answer: {problem}") from problem

    def _mine(self) -> Any:
        if getattr(self._local, "pid", 0) != os.getpid():
            try:
                self._local.connection = self._connect()
            except Exception as problem:
                raise StoreUnavailableError(f"the idempotency store cannot be opened: {problem}") from problem
            self._local.pid = os.getpid()
            self._keep(self._local.connection)
        return self._local.connection

    def _keep(self, connection: Any) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._open, self._pid = [], os.getpid()
            self._open.append(connection)

    def _drop(self, connection: Any) -> None:
        self._local.pid = 0
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
        _close(connection)


def _close(connection: Any) -> None:
    with suppress(
        Exception
    ):  # a broken connection, or another thread's, may fail in any way that its driver knows
        connection.close()


def dialect_of(connection: Any) -> statements.Dialect:
    """SQLite's own connections are known; all others are taken for PostgreSQL's."""
    return statements.SQLITE if isinstance(connection, sqlite3.Connection) else statements.POSTGRES
