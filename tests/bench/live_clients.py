"""Many real websocket clients in one process, light enough not to be what is measured.

Each does the handshake, follows a topic, applies what it gets, acknowledges marks, and notes for every delta how
long after its publication it came. `python -m tests.bench.live_clients URL TOPIC COUNT`, one Authorization header
a line on stdin; says `ready` when all hold a snapshot; ends, with its figures as JSON, when stdin ends.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
AT_ONCE = 50


@dataclass
class Tally:
    """What all the clients of this process saw."""

    delays: list[float] = field(default_factory=list)
    snapshots: int = 0
    gaps: int = 0
    closed: int = 0
    came: dict[str, list[float]] = field(default_factory=dict)


class Client(asyncio.Protocol):
    """One websocket."""

    def __init__(self, url: str, topic: str, authorization: str, tally: Tally) -> None:
        self.url, self.topic, self.authorization, self.tally = urlsplit(url), topic, authorization, tally
        self.revision: int | None = None
        self.rows: dict[str, Any] = {}
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._open = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {self.url.path} HTTP/1.1",
            f"Host: {self.url.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Authorization: {self.authorization}",
        ]
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def connection_lost(self, _: Exception | None) -> None:
        self.tally.closed += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before the first snapshot"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._open, self._buffer = True, bytearray(rest)
            self.say({"type": "subscribe", "topic": self.topic})
        while frame := self._frame():
            self._take(*frame)

    def say(self, message: dict[str, Any]) -> None:
        self._write(TEXT, json.dumps(message).encode())

    def _write(self, opcode: int, payload: bytes) -> None:
        # Clients must mask; the key of zeros leaves the bytes as they are.
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + struct.pack(">H", length)
        self._transport.write(bytes([0x80 | opcode]) + size + bytes(4) + payload)

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame in the buffer; servers send them unmasked."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(buffer) < start:
                return None
            length = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + length:
            return None
        frame = buffer[0] & 0x0F, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return frame

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._write(PONG, payload)
        elif opcode == TEXT:
            self._read(msgspec.json.decode(payload))

    def _read(self, frame: dict[str, Any]) -> None:
        if frame["kind"] == "mark":
            self.say({"type": "ack", "mark": frame["mark"]})
        elif frame["kind"] == "snapshot":
            self.tally.snapshots += 1
            self.rows = {}
            self._apply(frame)
        elif frame["kind"] == "delta" and frame["base"] == self.revision:
            self._apply(frame)
            self._came()
        elif frame["kind"] == "delta":
            self.tally.gaps += 1
            self.say({"type": "snapshot", "topic": self.topic})

    def _came(self) -> None:
        self.tally.delays.append(time.time() - self.rows["tick"]["at"])

    def _apply(self, frame: dict[str, Any]) -> None:
        self.revision = frame["revision"]
        for op in frame["ops"]:
            if op["op"] == "put":
                self.rows[op["id"]] = op["row"]
            else:
                self.rows.pop(op["id"], None)
        if not self.ready.done():
            self.ready.set_result(None)


async def run(kind: type[Client], url: str, topic: str, count: int, headers: list[str]) -> dict[str, Any]:
    tally, clients = Tally(), []
    for begin in range(0, count, AT_ONCE):
        batch = [
            _connect(kind, url, topic, headers[n % len(headers)], tally)
            for n in range(begin, min(count, begin + AT_ONCE))
        ]
        clients += await asyncio.gather(*batch)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    rows = {json.dumps(client.rows, sort_keys=True) for client in clients}
    return {
        "delays": tally.delays,
        "snapshots": tally.snapshots,
        "gaps": tally.gaps,
        "closed": tally.closed,
        "came": tally.came,
        "revisions": sorted({client.revision for client in clients}),
        "states": len(rows),
    }


async def _connect(kind: type[Client], url: str, topic: str, header: str, tally: Tally) -> Client:
    host, _, port = urlsplit(url).netloc.partition(":")
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: kind(url, topic, header, tally), host, int(port)
    )
    await client.ready
    return client


def main(kind: type[Client] = Client) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    url, topic, count = sys.argv[1:4]
    headers = []
    while (line := sys.stdin.readline().strip()) != "":
        headers.append(line)
    print(json.dumps(asyncio.run(run(kind, url, topic, int(count), headers))), flush=True)


if __name__ == "__main__":
    main()
