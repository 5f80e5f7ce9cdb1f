"""Does a part really answer? Asked from outside, the way its users will."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from core.env import HostPort

SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a part answers over HTTP: a port or a socket."""

    address: HostPort | None = None
    socket: Path | None = None
    host_header: str = "localhost"


async def status(door: Door, path: str) -> int | None:
    """The HTTP status that comes back, None when nothing does."""
    with contextlib.suppress(OSError, TimeoutError, ValueError, IndexError):
        async with asyncio.timeout(SECONDS):
            return await _ask(door, path)
    return None


async def _ask(door: Door, path: str) -> int:
    reader, writer = await _open(door)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {door.host_header}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        line = await reader.readline()
        return int(line.split()[1])
    finally:
        writer.close()


async def _open(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if door.socket:
        return await asyncio.open_unix_connection(door.socket)
    assert door.address
    return await asyncio.open_connection(reachable(door.address.host), door.address.port)


async def listens(address: HostPort) -> bool:
    """For a port that speaks no HTTP/1: somebody accepts."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(reachable(address.host), address.port)
            writer.close()
            return True
    return False


def reachable(host: str) -> str:
    """From this machine, an address that stands for all of them is reached through loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - not bound


def host_header(allowed: list[str], address: HostPort) -> str:
    """A Host that the web process accepts, whatever names it was told to answer to."""
    names = [name for name in allowed if name != "*"]
    if not names or len(names) != len(allowed):
        return str(address)
    return names[0].lstrip(".")
