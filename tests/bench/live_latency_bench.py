"""From a span's 200 to the frame that shows it, while 5,000 spans a second come in and 200 sockets are open.

    python -m tests.bench.live_latency_bench [--rate 5000] [--clients 200] [--seconds 30]

Everything is real: `manage.py up` with all its processes, spans over OTLP/HTTP, accounts with tokens, websockets in
a process of their own that follow the topology. A span of an agent that nobody knows, four times a second: it is
shown when a frame brings its node. Must hold: the 99th percentile over all sockets under one second, every probe
shown to every socket, the rate kept, nothing refused. The floor is a bare application under Daphne that passes what
is posted to it on to as many sockets, four times a second, and has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.up import build
from tests.bench import latency_spans
from tests.support import up_run
from tests.support.live_house import daphne
from tests.support.up_run import ROOT, Up

P99_LIMIT = 1.0
A_REQUEST, PER_ACCOUNT = 512, 25
LAST_FRAMES_SECONDS = 10.0
# So many more are prepared than the time takes, for a machine that is quick to begin.
SPARE = 1.05


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run gave."""

    delays: list[float]
    probes: int
    clients: int
    sent: dict[str, Any]

    def quantile(self, share: float) -> float:
        return sorted(self.delays)[int(share * (len(self.delays) - 1))] if self.delays else float("inf")

    @property
    def unseen(self) -> int:
        return self.probes * self.clients - len(self.delays)

    def line(self, name: str) -> str:
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "worst": 1.0}
        told = ", ".join(f"{each} {self.quantile(share) * 1000:.0f} ms" for each, share in shares.items())
        return f"{name}: {self.probes} probes to {self.clients} sockets: {told}; not seen {self.unseen}"


class Crowd:
    """The sockets, in a process of their own."""

    def __init__(self, live: str, count: int, headers: list[str]) -> None:
        command = [sys.executable, "-m", "tests.bench.latency_clients", live, "topology", str(count)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n".join([*headers, "", ""]))
        self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        assert said == "ready", f"the sockets are not open: {said}"

    def finish(self) -> dict[str, list[float]]:
        came: dict[str, list[float]] = json.loads(self._process.communicate()[0])["came"]
        return came


def measure(live: str, url: str, clients: int, headers: list[str], *sender: str) -> Figures:
    crowd = Crowd(live, clients, headers)
    command = [sys.executable, "-m", "tests.bench.latency_sender", url, *sender]
    sent = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    time.sleep(LAST_FRAMES_SECONDS)
    came = crowd.finish()
    delays = [max(0.0, at - said) for probe, said in sent["probes"].items() for at in came.get(probe, ())]
    return Figures(delays, len(sent["probes"]), clients, sent)


def floor(clients: int, seconds: float) -> Figures:
    with daphne("tests.bench.latency_floor:application", dict(os.environ)) as web:
        return measure(web.live, web.origin, clients, ["none"], "none", os.devnull, "0", str(seconds))


def product(clients: int, seconds: float, rate: int, folder: Path) -> Figures:
    every = A_REQUEST / rate
    with up_run.up(up_run.apart(folder / "data")) as running:
        running.until_ready()
        ingest, *headers = _authorizations(running, -(-clients // PER_ACCOUNT))
        latency_spans.write(folder / "load", int(seconds / every * SPARE) + 1, A_REQUEST, every)
        url = f"http://{running.environ['POSTROOM_OTLP_HTTP_BIND']}/v1/traces"
        live = f"{running.url.replace('http', 'ws', 1)}/ws/live"
        return measure(live, url, clients, headers, ingest, str(folder / "load"), str(every), str(seconds))


def _authorizations(running: Up, followers: int) -> list[str]:
    """Authorization headers: one that may write, and those of as many who may look."""
    people = [("token", f"follower-{number}", "viewer", "*") for number in range(followers)]
    commands = [("token", "sender", "ingest", "*"), *people]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.live_people"],
        cwd=ROOT,
        env=dict(running.environ),
        input="\n".join(map(json.dumps, commands)),
        check=True,
        capture_output=True,
        text=True,
    )
    return [line.removeprefix("= ") for line in done.stdout.splitlines() if line.startswith("= ")]


def verdict(real: Figures, bare: Figures, rate: int, seconds: float) -> int:
    statuses, took = real.sent["statuses"], real.sent["seconds"]
    loads = sum(statuses.values()) - real.probes
    came_in = loads * A_REQUEST / took
    checks = {
        f"p99 {real.quantile(0.99) * 1000:.0f} ms, under {P99_LIMIT * 1000:.0f} "
        f"({real.quantile(0.99) / bare.quantile(0.99):.1f} of the floor's)": real.quantile(0.99) < P99_LIMIT,
        f"probes that a socket did not see: {real.unseen}": real.unseen == 0,
        f"{came_in:,.0f} spans/s came in, of {rate:,} (latest request {real.sent['latest'] * 1000:.0f} ms late)": (
            came_in > 0.97 * rate and took < 1.05 * seconds + 1
        ),
        f"answers: {statuses}": set(statuses) == {"200"},
    }
    for sentence, holds in checks.items():
        print(f"  {'ok ' if holds else 'BAD'} {sentence}")
    print("HELD" if all(checks.values()) else "NOT HELD", f"(load {os.getloadavg()[0]:.1f})")
    return 0 if all(checks.values()) else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    build.main()
    bare = floor(given.clients, given.seconds / 2)
    print(bare.line("floor"), flush=True)
    with tempfile.TemporaryDirectory(prefix="postroom-latency-") as folder:
        real = product(given.clients, given.seconds, given.rate, Path(folder))
    print(real.line("live"))
    return verdict(real, bare, given.rate, given.seconds)


if __name__ == "__main__":
    sys.exit(main())
