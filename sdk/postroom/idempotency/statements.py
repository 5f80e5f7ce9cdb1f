"""The SQL of idempotency records, for the dialects that the library speaks. Pure: text, and functions of a cursor."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from postroom.delivery.api import Done
from postroom.idempotency.api import Fresh, Handled, InProgress, LeaseLostError

TABLE: Final = "postroom_done"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database says what time it is, what bytes are, and where a value goes."""

    now: str
    blob: str
    place: str

    def sql(self, text: str) -> str:
        """Statements are written with `?`, {now} and {table}."""
        return text.replace("?", self.place).format(now=self.now, table=TABLE)


SQLITE_NOW: Final = "((julianday('now') - 2440587.5) * 86400.0)"
POSTGRES_NOW: Final = "extract(epoch from clock_timestamp())::float8"
SQLITE: Final = Dialect(SQLITE_NOW, "BLOB", "?")
POSTGRES: Final = Dialect(POSTGRES_NOW, "BYTEA", "%s")

BEGIN: Final = """
INSERT INTO {table} (key, owner, until_at, finished) VALUES (?, ?, {now} + ?, 0)
ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until_at = excluded.until_at, finished = 0, result = NULL
WHERE {table}.until_at < {now} OR ({table}.finished = 0 AND {table}.owner = excluded.owner)
RETURNING owner
"""
LOOK: Final = "SELECT finished, until_at - {now}, result FROM {table} WHERE key = ?"
RENEW: Final = "UPDATE {table} SET until_at = {now} + ? WHERE key = ? AND owner = ? AND finished = 0"
FINISH: Final = """
UPDATE {table} SET finished = 1, result = ?, until_at = {now} + ? WHERE key = ? AND owner = ? AND finished = 0
"""
RELEASE: Final = "DELETE FROM {table} WHERE key = ? AND owner = ? AND finished = 0"
RECORD: Final = """
INSERT INTO {table} (key, owner, until_at, finished, result) VALUES (?, '', {now} + ?, 1, ?)
ON CONFLICT (key) DO UPDATE SET until_at = excluded.until_at, finished = 1, result = excluded.result
"""
FORGET: Final = "DELETE FROM {table} WHERE until_at < {now}"


def tables(dialect: Dialect) -> list[str]:
    """What to run once, by hand or in a migration."""
    columns = (
        "key TEXT PRIMARY KEY, owner TEXT NOT NULL, until_at DOUBLE PRECISION NOT NULL, "
        f"finished INTEGER NOT NULL, result {dialect.blob}"
    )
    return [
        f"CREATE TABLE IF NOT EXISTS {TABLE} ({columns})",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_until_at ON {TABLE} (until_at)",
    ]


def begin(cursor: Any, dialect: Dialect, key: str, lease: float, owner: str) -> Fresh | InProgress | Handled:
    """Take the key if it is free; what stands there otherwise."""
    owner = owner or secrets.token_hex(8)
    while True:
        cursor.execute(dialect.sql(BEGIN), (key, owner, lease))
        if cursor.fetchone():
            return Fresh(key, owner)
        cursor.execute(dialect.sql(LOOK), (key,))
        if found := cursor.fetchone():  # not released in the meantime
            return Handled(bytes(found[2])) if found[0] else InProgress(max(found[1], 0.0))


def renew(cursor: Any, dialect: Dialect, fresh: Fresh, lease: float) -> None:
    cursor.execute(dialect.sql(RENEW), (lease, fresh.key, fresh.owner))
    _ours(cursor, fresh)


def finish(cursor: Any, dialect: Dialect, fresh: Fresh, result: bytes, keep: float) -> None:
    cursor.execute(dialect.sql(FINISH), (result, keep, fresh.key, fresh.owner))
    _ours(cursor, fresh)


def release(cursor: Any, dialect: Dialect, fresh: Fresh) -> None:
    cursor.execute(dialect.sql(RELEASE), (fresh.key, fresh.owner))


def record(cursor: Any, dialect: Dialect, done: Done) -> None:
    cursor.execute(dialect.sql(RECORD), (done.key, done.keep, done.result))


def forget(cursor: Any, dialect: Dialect) -> None:
    """Remove what has expired."""
    cursor.execute(dialect.sql(FORGET))


def _ours(cursor: Any, fresh: Fresh) -> None:
    if cursor.rowcount != 1:
        raise LeaseLostError(fresh.key)
