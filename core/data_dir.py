"""Where things lie in the data directory: the one list of its files."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class DataDirError(Exception):
    """The data directory cannot be used."""


class DataDir:
    """The folder that holds everything a single-machine Postroom keeps. Made at first use, readable by its owner."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def make(self) -> None:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.run.mkdir(mode=0o700, exist_ok=True)
        except OSError as problem:
            raise DataDirError(
                f"The data directory {self.root} cannot be made: {problem.strerror}."
            ) from None
        if not os.access(self.root, os.W_OK):
            raise DataDirError(
                f"The data directory {self.root} is not writable. Set POSTROOM_DATA_DIR to one that is."
            )

    @property
    def database(self) -> Path:
        return self.root / "postroom.sqlite3"

    @property
    def telemetry(self) -> Path:
        return self.root / "telemetry"

    @property
    def telemetry_database(self) -> Path:
        return self.telemetry / "index.sqlite3"

    @property
    def run(self) -> Path:
        """Files that mean something only while `manage.py up` runs."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        return self.run / "up.lock"

    @property
    def redis_url(self) -> Path:
        """Written by `up`: the address of the embedded Redis, so that other commands find it."""
        return self.run / "redis-url"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def audit_checkpoints(self) -> Path:
        return self.root / "audit-checkpoints.jsonl"

    @property
    def beat_schedule(self) -> Path:
        return self.run / "beat-schedule"

    def secret(self, name: str) -> str:
        """A secret made once and kept: the same for every process that asks, however many ask at once."""
        path = self.root / f"{name}.key"
        self.make()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read_when_written(path)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            value = secrets.token_urlsafe(48)
            file.write(value)
        return value


def _read_when_written(path: Path) -> str:
    """Another process may be between making the file and writing it."""
    import time

    for _ in range(200):
        if value := path.read_text(encoding="ascii").strip():
            return value
        time.sleep(0.01)
    raise DataDirError(f"{path} is empty. Delete it, and a new one is made at the next start.")
