"""Sends prepared OTLP requests over a number of connections, as fast as they are answered.

    python -m tests.bench.ingest_clients PORT TOKEN FILE CONNECTIONS

Prints one line of JSON: seconds, and how often each status was answered. A client of its own, because an ordinary
one takes more of the machine than what is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench.ingest_requests import packed_requests


class Connection(asyncio.Protocol):
    """One request after the other; the next one goes out when the answer to the last is complete."""

    def __init__(self, head: bytes, bodies: Iterator[bytes], statuses: Counter[int]) -> None:
        self._head, self._bodies, self._statuses = head, bodies, statuses
        self._answer = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._statuses[int(head[9:12])] += 1
        self._answer = b""
        self._send()

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(problem or ConnectionError("intake closed the connection"))

    def _send(self) -> None:
        body = next(self._bodies, None)
        if body is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._transport.write(self._head + b"content-length: %d\r\n\r\n" % len(body) + body)


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name.lower() == b"content-length"), 0)


async def main(port: int, token: str, file: Path, connections: int) -> None:
    head = (
        f"POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\n"
        "content-type: application/x-protobuf\r\ncontent-encoding: gzip\r\n"
    ).encode()
    bodies, statuses = packed_requests(file), Counter[int]()
    loop, began = asyncio.get_running_loop(), time.monotonic()
    made = [
        await loop.create_connection(lambda: Connection(head, bodies, statuses), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.ended for _, connection in made))
    print(json.dumps({"seconds": time.monotonic() - began, "statuses": statuses}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
