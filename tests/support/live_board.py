"""A topic for tests whose source is a small SQLite file: rows with an environment, and a revision beside them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from core.access.api import Permission, Place
from dashboard.live.api import Row, State

# The environment variable by which a web process finds the file.
BOARD = "LIVE_TEST_BOARD"

TABLES = """
CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, environment TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revision (value INTEGER NOT NULL);
INSERT INTO revision SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM revision);
"""


class Board:
    """Written by a test, read by web processes. `numbered=False` keeps the revision to itself."""

    def __init__(self, path: Path, *, name: str = "board", numbered: bool = True) -> None:
        self.path, self.name, self.numbered = path, name, numbered
        self.permission = Permission.SEE

    def make(self) -> Board:
        with self._open() as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(TABLES)
        return self

    def put(self, rows: Mapping[str, Any], environment: str = "production") -> int:
        """Add or change rows in one transaction; returns the revision that has them."""
        values = [(id, environment, json.dumps(data)) for id, data in rows.items()]
        return self._write("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", values)

    def drop(self, *ids: str) -> int:
        return self._write("DELETE FROM rows WHERE id = ?", [(id,) for id in ids])

    def load(self) -> State:
        with self._open() as database:
            database.execute("BEGIN")
            (revision,) = database.execute("SELECT value FROM revision").fetchone()
            rows = {
                id: Row(Place(environment=environment), json.loads(data))
                for id, environment, data in database.execute("SELECT id, environment, data FROM rows")
            }
        return State(revision if self.numbered else None, rows)

    def _write(self, statement: str, values: Sequence[tuple[str, ...]]) -> int:
        with self._open() as database, database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(statement, values)
            (revision,) = database.execute("UPDATE revision SET value = value + 1 RETURNING value").fetchone()
        return int(revision)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as database:
            yield database
