"""1,000 websocket clients on one web process, one topic that changes four times a second.

    python -m tests.bench.live_bench [--clients 1000] [--seconds 25]

Everything is real: Daphne with the whole site, accounts with tokens, a private Redis for the hints, a source in
SQLite, clients in two processes of their own. Must hold: all clients end at the same revision with the same rows,
and the 99th percentile from publication to client is under 250 ms. The floor is a bare application under Daphne
that sends the same number of bytes to the same clients.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import servers
from tests.support.live_house import LiveHouse, Web, daphne

P99_LIMIT = 0.250
PROCESSES = 2
ACCOUNTS = 50
FILLER = 380  # makes a delta of about half a kilobyte


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run gave."""

    delays: list[float]
    revisions: list[int]
    states: int
    gaps: int
    closed: int
    idle_bytes: int
    ready_bytes: int
    end_bytes: int
    clients: int

    def quantile(self, share: float) -> float:
        return sorted(self.delays)[int(share * (len(self.delays) - 1))]

    def line(self, name: str) -> str:
        per_client = (self.end_bytes - self.idle_bytes) / self.clients / 1024
        return (
            f"{name:8} {len(self.delays):7d} frames   p50 {self.quantile(0.5) * 1000:6.1f} ms   "
            f"p99 {self.quantile(0.99) * 1000:6.1f} ms   worst {self.quantile(1) * 1000:6.1f} ms   "
            f"{per_client:5.1f} kB a client (process: {self.idle_bytes / 2**20:.0f} MB without, "
            f"{self.ready_bytes / 2**20:.0f} MB connected, {self.end_bytes / 2**20:.0f} MB at the end)"
        )


class Crowd:
    """The clients, in two processes."""

    def __init__(self, web: Web, topic: str, count: int, headers: list[str]) -> None:
        command = [sys.executable, "-m", "tests.bench.live_clients", web.live, topic, str(count // PROCESSES)]
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(PROCESSES)
        ]
        share = len(headers) // PROCESSES
        for number, process in enumerate(self.processes):
            assert process.stdin
            mine = headers[number * share : (number + 1) * share]
            process.stdin.write("\n".join([*mine, "", ""]))
            process.stdin.flush()

    def wait_until_ready(self) -> None:
        for process in self.processes:
            assert process.stdout
            said = process.stdout.readline().strip()
            assert said == "ready", f"a client process failed: {said}"

    def finish(self) -> list[dict[str, Any]]:
        return [json.loads(process.communicate()[0]) for process in self.processes]


def measure(web: Web, topic: str, clients: int, headers: list[str], publish: Any) -> Figures:
    idle = web.resident_bytes()
    crowd = Crowd(web, topic, clients, headers)
    crowd.wait_until_ready()
    ready = web.resident_bytes()
    publish()
    end = web.resident_bytes()
    parts = crowd.finish()
    return Figures(
        delays=[delay for part in parts for delay in part["delays"]],
        revisions=sorted({revision for part in parts for revision in part["revisions"]}),
        states=max(part["states"] for part in parts),
        gaps=sum(part["gaps"] for part in parts),
        closed=sum(part["closed"] for part in parts),
        idle_bytes=idle,
        ready_bytes=ready,
        end_bytes=end,
        clients=clients,
    )


@contextmanager
def house() -> Iterator[LiveHouse]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="postroom-live-bench-"))
        redis_url = stack.enter_context(servers.redis_server())
        place = LiveHouse(Path(folder) / "data", redis_url)
        stack.callback(place.close)
        yield place


def floor(clients: int, seconds: float) -> Figures:
    environ = os.environ | {"FLOOR_FILLER": str(FILLER)}
    wait = [sys.executable, "-c", f"import time; time.sleep({seconds})"]
    with daphne("tests.bench.live_floor:application", environ) as web:
        return measure(web, "board", clients, ["none"] * PROCESSES, lambda: subprocess.run(wait, check=True))


def product(clients: int, seconds: float) -> tuple[Figures, int]:
    with house() as place:
        headers = place.tokens(ACCOUNTS)
        place.board.put({f"row-{n}": {"n": n} for n in range(50)})
        last: list[int] = []

        def publish() -> None:
            said = place.run("-m", "tests.bench.live_publisher", str(seconds), str(FILLER)).stdout
            last.append(int(said.split()[-1]))

        with place.web() as web:
            figures = measure(web, "board", clients, headers, publish)
        return figures, last[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=25)
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    bare = floor(given.clients, given.seconds / 2)
    print(bare.line("floor"), flush=True)
    real, last = product(given.clients, given.seconds)
    print(real.line("live"))
    return verdict(real, bare, last, os.getloadavg()[0])


def verdict(real: Figures, bare: Figures, last: int, load: float) -> int:
    same = real.revisions == [last] and real.states == 1
    p99 = real.quantile(0.99)
    print(
        f"last revision published {last}, held by the clients {real.revisions}, with {real.states} state of rows"
    )
    print(
        f"gaps {real.gaps}, connections lost {real.closed}, frames a client {len(real.delays) / real.clients:.0f}"
    )
    print(
        f"p99 is {p99 / bare.quantile(0.99):.2f} of the floor's, "
        f"mean {statistics.mean(real.delays) * 1000:.1f} ms; load {load:.1f}"
    )
    held = same and p99 < P99_LIMIT and not real.closed
    print(
        "HELD" if held else "NOT HELD",
        f"(same revision: {same}, p99 < {P99_LIMIT * 1000:.0f} ms: {p99 < P99_LIMIT})",
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
