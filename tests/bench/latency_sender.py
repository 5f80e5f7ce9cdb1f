"""Sends prepared requests at their pace, and a probe four times a second; notes when each probe's 200 came.

    python -m tests.bench.latency_sender URL AUTHORIZATION FILE EVERY SECONDS

`EVERY` seconds a request of FILE; none when it is 0. Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.bench import latency_spans
from tests.bench.ingest_requests import packed_requests

# Not in step with anything that happens four times a second.
PROBE_EVERY = 0.27


class Sender:
    """One client for load and probes, as an agent's collector is one."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url
        self.statuses: Counter[int] = Counter()
        self.probes: dict[str, float] = {}
        self.latest = 0.0

    async def load(self, file: Path, every: float, seconds: float) -> None:
        bodies, sending = packed_requests(file), set[asyncio.Task[int]]()
        async for late in _ticks(every, seconds):
            body = next(bodies, None)
            if body is None:
                break
            self.latest = max(self.latest, late)
            sending.add(asyncio.create_task(self._post(body, {"content-encoding": "gzip"})))
            sending = {task for task in sending if not task.done()}
        await asyncio.gather(*sending)

    async def probe(self, seconds: float) -> None:
        number = 0
        async for _ in _ticks(PROBE_EVERY, seconds):
            if await self._post(latency_spans.probe(number), {}) == httpx.codes.OK:
                self.probes[f"{latency_spans.PROBE}{number}"] = time.time()
            number += 1

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        status = (await self._client.post(self._url, content=body, headers=headers)).status_code
        self.statuses[status] += 1
        return status


async def _ticks(every: float, seconds: float) -> AsyncIterator[float]:
    """At each due time: by how much it is late."""
    begun = time.monotonic()
    for number in range(int(seconds / every) if every else 0):
        due = begun + number * every
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        yield time.monotonic() - due


async def main(url: str, authorization: str, file: Path, every: float, seconds: float) -> None:
    headers = {"authorization": authorization, "content-type": "application/x-protobuf"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        sender = Sender(client, url)
        begun = time.monotonic()
        await asyncio.gather(sender.load(file, every, seconds), sender.probe(seconds))
        took = time.monotonic() - begun
    told = {"seconds": took, "statuses": sender.statuses, "probes": sender.probes, "latest": sender.latest}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])))
