"""Where things lie in the data directory: the one list of its files."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
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
    def demo(self) -> Path:
        """The demo's own: what is broken in it."""
        return self.root / "demo"

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
    def socket_folder(self) -> Path:
        """Written by `up`: where its sockets lie, so that the next start can clear up after a killed one."""
        return self.run / "socket-folder"

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
        if not path.exists():
            _make_secret(path)
        value = path.read_text(encoding="ascii").strip()
        if not value:
            raise DataDirError(
                f"{path} is empty. Put it back from a backup, or delete it: a new one is made."
            )
        return value

    def forget_secret(self, name: str) -> None:
        """The next to ask for it gets a new one."""
        (self.root / f"{name}.key").unlink(missing_ok=True)


def _make_secret(path: Path) -> None:
    """Write it aside and link it into place: nobody ever reads half of it, and the first to link wins."""
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        os.unlink(aside)
