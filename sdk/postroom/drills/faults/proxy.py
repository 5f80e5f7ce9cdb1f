"""A wire between agents and their broker that can be cut: a TCP proxy. Whoever does not use it reaches the broker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

CHUNK = 1 << 16


class Wire:
    """Passes bytes on until it is cut; then it refuses, and ends what it passed on, until it is mended."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._thread.start()
        self.mend()

    def cut(self) -> None:
        self._wait_for(self._cut())

    def mend(self) -> None:
        """On the same port as before."""
        if self._server is None:
            self._wait_for(self._listen())

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _cut(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for writer in [*self._open]:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._tasks.add(task)
        self._open.add(back)
        try:
            far, there = await asyncio.open_connection(*self._to)
            self._open.add(there)
            await asyncio.gather(self._pass_on(near, there), self._pass_on(far, back))
            self._open.discard(there)
        except OSError:
            back.transport.abort()
        finally:
            self._open.discard(back)
            self._tasks.discard(task)

    async def _pass_on(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                to.write(data)
                await to.drain()
        to.close()


def through(url: str, wire: Wire) -> str:
    """The same address with the wire in between."""
    parts = urlsplit(url)
    before, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{before}@127.0.0.1:{wire.port}"))


def wire_to(url: str) -> Wire:
    parts = urlsplit(url)
    return Wire(parts.hostname or "127.0.0.1", parts.port or 0)
