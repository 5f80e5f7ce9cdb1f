"""Stores of both engines for tests, and where a process of its own finds the same one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg

from agents.spans.block_store import BlockStore
from agents.spans.postgres import PostgresShelf
from agents.spans.shelf import Shelf
from agents.spans.sqlite import SqliteShelf
from core.databases import SCHEMAS, TELEMETRY

ROOT = Path(__file__).resolve().parents[2]
KEEP = timedelta(days=7)
# A machine under load must not make a search stop early; the test of that says how long itself.
PATIENCE = 120.0


@dataclass(frozen=True)
class Home:
    """Where a store lives: a folder for SQLite, an address for PostgreSQL. As text it travels to a process."""

    engine: str
    address: str

    def store(self, patience: float = PATIENCE) -> BlockStore:
        """A store as a process opens it that has just started."""
        return BlockStore(self.shelf(), KEEP, patience)

    def shelf(self) -> Shelf:
        if self.engine == "sqlite":
            return SqliteShelf(Path(self.address))
        options = f"-c search_path={SCHEMAS[TELEMETRY]}"
        return PostgresShelf(lambda: psycopg.connect(self.address, options=options))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A process that writes to this store; it says on its standard output what was acknowledged."""
        command = [sys.executable, "-m", "tests.support.span_writer", self.engine, self.address, *arguments]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def migrated(address: str, folder: Path) -> Home:
    """A PostgreSQL database with the telemetry tables, made by `migrate` as an operator runs it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    environment |= {"POSTROOM_DATA_DIR": str(folder), "POSTROOM_TELEMETRY_DATABASE_URL": address}
    command = [sys.executable, "manage.py", "migrate", "--database", TELEMETRY, "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return Home("postgresql", address)


def empty(home: Home) -> None:
    shelf = home.shelf()
    for part in shelf.parts():
        shelf.drop(part)
    shelf.close()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size; OSError where the machine does not allow one."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        raise OSError(done.stderr.decode())
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)
