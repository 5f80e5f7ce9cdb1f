"""Entries for Postroom's audit trail: on disk first, sent by a thread, gone from disk when Postroom has them.

An entry that `write` returned from is not lost when Postroom is away or this process is killed: the next process of
this machine sends it. When the disk or the bound says no, the caller hears of it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from postroom import folders, ids
from postroom.errors import PostroomError
from postroom.http import AwayError, Client, RefusedError

log = logging.getLogger(__name__)

PATH = "/api/v1/audit"
ACTION = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")
MOST = 100_000
AT_ONCE = 100
AGAIN_AFTER = 5.0
TABLE = "CREATE TABLE IF NOT EXISTS entry (id TEXT PRIMARY KEY, body TEXT NOT NULL, refused TEXT NOT NULL DEFAULT '')"


class TrailFullError(PostroomError):
    """The entries that wait for Postroom have reached their limit, or the disk took no more. This one is not kept."""


class Trail:
    """Entries of all agents of this machine. May be used by threads and processes at once."""

    def __init__(self, client: Client, path: Path | None = None, most: int = MOST) -> None:
        self._client, self._most = client, most
        self._path = path or folders.folder("audit") / "waiting.sqlite3"
        self._lock, self._end, self._more = Lock(), Event(), Event()
        self._thread: tuple[int, Thread] | None = None

    def write(self, entry: Mapping[str, Any]) -> str:
        """Durable when this returns; its id. Raises TrailFullError."""
        name, body = ids.new(), json.dumps(dict(entry), default=str)
        try:
            with self._database() as database:
                if self._count(database) >= self._most:
                    raise TrailFullError((TrailFullError.__doc__ or "").strip())
                database.execute("INSERT INTO entry (id, body) VALUES (?, ?)", (name, body))
        except (sqlite3.Error, OSError) as problem:
            raise TrailFullError(f"{(TrailFullError.__doc__ or '').strip()} ({problem})") from problem
        self._more.set()
        self._begin()
        return name

    def waiting(self) -> int:
        """How many entries Postroom does not have yet."""
        with self._database() as database:
            return self._count(database)

    def refused(self) -> list[tuple[str, str]]:
        """Entries that Postroom does not want, and why. They stay on disk for people to look at."""
        with self._database() as database:
            return list(database.execute("SELECT body, refused FROM entry WHERE refused <> '' ORDER BY id"))

    def flush(self) -> None:
        """Send what waits, oldest first. Raises AwayError when Postroom is away."""
        # Two processes may send the same entry: Postroom knows it by its id.
        while rows := self._next():
            for name, body in rows:
                self._send(name, json.loads(body))

    def close(self) -> None:
        """Tries once more, for a moment."""
        self._end.set()
        self._more.set()
        if self._thread and self._thread[0] == os.getpid():
            self._thread[1].join(3.0)

    def _next(self) -> list[tuple[str, str]]:
        with self._database() as database:
            asked = "SELECT id, body FROM entry WHERE refused = '' ORDER BY id LIMIT ?"
            return list(database.execute(asked, (AT_ONCE,)))

    def _send(self, name: str, body: Any) -> None:
        try:
            self._client.post(PATH, body, key=name, probe=True)
        except RefusedError as problem:
            if problem.status in {401, 403}:
                # The token, not the entry: it waits until somebody sets it right.
                raise AwayError(str(problem)) from problem
            log.error("Postroom does not take this audit entry, it stays in %s: %s", self._path, problem)
            self._note("UPDATE entry SET refused = ? WHERE id = ?", (str(problem), name))
        else:
            self._note("DELETE FROM entry WHERE id = ?", (name,))

    def _note(self, statement: str, values: tuple[str, ...]) -> None:
        with self._database() as database:
            database.execute(statement, values)

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None or self._thread[0] != os.getpid():
                self._thread = (os.getpid(), Thread(target=self._run, name="postroom-audit", daemon=True))
                self._thread[1].start()

    def _run(self) -> None:
        silent = False
        while not self._end.is_set() or self._more.is_set():
            self._more.clear()
            try:
                self.flush()
                silent = False
            except (AwayError, sqlite3.Error) as problem:
                if not silent:
                    log.warning("audit entries wait in %s: %s", self._path, problem)
                silent = True
                if self._end.wait(AGAIN_AFTER):
                    return
                self._more.set()
            if self._end.is_set():
                return
            self._more.wait()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """A connection for one step: nothing of SQLite's may be carried over a fork."""
        new = not self._path.exists()
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level="IMMEDIATE")) as database:
            if new:
                self._path.chmod(folders.PRIVATE_FILE)
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.execute(TABLE)
            with database:
                yield database

    @staticmethod
    def _count(database: sqlite3.Connection) -> int:
        return int(database.execute("SELECT count(*) FROM entry").fetchone()[0])


def entry(said: Mapping[str, Any], agent: str, environment: str) -> dict[str, Any]:
    """What an agent says, as Postroom takes it: what is no field of an entry is its detail. Pure."""
    known = {name: said[name] for name in ("action", "on", "reason") if said.get(name)}
    if not ACTION.match(str(known.get("action", ""))):
        raise ValueError('An audit entry says what was done in a word such as "record.read": {"action": …}')
    extra = {name: value for name, value in said.items() if name not in {"action", "on", "reason", "detail"}}
    detail = dict(said.get("detail") or {}) | extra | {"at": said.get("at") or _now()}
    return known | {"detail": detail, "agent": agent, "environment": environment}


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time.time(), UTC).isoformat().replace("+00:00", "Z")
