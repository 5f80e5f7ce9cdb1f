"""How fast spans come in, beside a floor that does the same work without a server.

    python -m tests.bench.ingest_bench [--spans 200000] [--engines sqlite,postgres]

Real intake under Granian, requests of 512 spans of about 420 B, gzip, 8 connections; then one span a request over
64 connections. Must hold: at least 0.6 of the floor on SQLite and 0.7 on PostgreSQL, at least 5,000 small requests
a second, every 200 committed, and less than 400 MB held by intake. 2,000,000 spans are the full measure.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import ingest_requests
from tests.support import servers
from tests.support.intake_house import IntakeHouse

A_REQUEST, CONNECTIONS = 512, 8
SMALL_CONNECTIONS, SMALL_REQUESTS, SMALL_RATE = 64, 20_000, 5_000
SHARE_OF_FLOOR = {"sqlite": 0.6, "postgres": 0.7}
MOST_MEMORY = 400 * 2**20


@dataclass(frozen=True, slots=True)
class Run:
    """What intake did with one file of requests."""

    seconds: float
    sent: int
    committed: int
    requests: int
    peak: int
    bytes_on_disk: int
    only_200: bool

    @property
    def kept_its_word(self) -> bool:
        return self.only_200 and self.committed == self.sent


def floor(house: IntakeHouse, file: Path) -> tuple[float, str]:
    """Spans a second of the bare loop, and how it divides."""
    done = json.loads(house.run("-m", "tests.bench.ingest_floor", str(file), str(CONNECTIONS)).stdout)
    rate = done["spans"] / (done["decoding"] + done["writing"])
    parts = (
        f"decode {done['spans'] / done['decoding']:,.0f}/s, write {done['spans'] / done['writing']:,.0f}/s"
    )
    return rate, parts


def measured(house: IntakeHouse, file: Path, spans: int, connections: int) -> Run:
    with house.intake() as intake:
        command = ("tests.bench.ingest_clients", str(intake.port), house.token, str(file), str(connections))
        answered = json.loads(house.run("-m", *command).stdout)
        peak = intake.peak_bytes()
    stats = json.loads(house.run("-m", "tests.support.stored", "stats").stdout)
    statuses: dict[str, int] = answered["statuses"]
    return Run(
        answered["seconds"],
        spans,
        stats["spans"],
        sum(statuses.values()),
        peak,
        stats["size"],
        set(statuses) == {"200"},
    )


@contextmanager
def house_on(engine: str, redis_url: str) -> Iterator[IntakeHouse]:
    """An empty house on that engine; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        if engine == "sqlite":
            yield IntakeHouse(Path(folder) / "data", redis_url)
            return
        with servers.postgres_database(servers.postgres_server()) as url:
            yield IntakeHouse(Path(folder) / "data", redis_url, url)


def bench(engine: str, large: Path, small: Path, spans: int, redis_url: str) -> bool:
    """Everything for one engine; prints the figures, and says whether they hold."""
    with house_on(engine, redis_url) as house:
        bare, parts = floor(house, large)
    with house_on(engine, redis_url) as house:
        run = measured(house, large, spans, CONNECTIONS)
    with house_on(engine, redis_url) as house:
        little = measured(house, small, SMALL_REQUESTS, SMALL_CONNECTIONS)
    rate = run.sent / run.seconds
    verdicts = {
        f"{rate / bare:.2f} of the floor, at least {SHARE_OF_FLOOR[engine]}": rate / bare
        >= SHARE_OF_FLOOR[engine],
        f"{little.requests / little.seconds:,.0f} small requests/s, at least {SMALL_RATE:,}": little.requests
        / little.seconds
        >= SMALL_RATE,
        f"{run.committed:,} of {run.sent:,} spans committed": run.kept_its_word,
        f"{little.committed:,} of {little.sent:,} small requests committed": little.kept_its_word,
        f"{max(run.peak, little.peak) / 2**20:.0f} MB at most, under 400": max(run.peak, little.peak)
        < MOST_MEMORY,
    }
    print(f"{engine}: intake {rate:,.0f} spans/s, floor {bare:,.0f} spans/s ({parts})")
    print(f"  {run.bytes_on_disk / run.committed:.0f} B a span on disk, indexes included")
    for sentence, holds in verdicts.items():
        print(f"  {'ok ' if holds else 'BAD'} {sentence}")
    return all(verdicts.values())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=200_000)
    parser.add_argument("--engines", default="sqlite,postgres")
    given: Any = parser.parse_args(arguments)
    requests = max(given.spans // A_REQUEST, 1)
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder, servers.redis_server() as redis_url:
        large, small = Path(folder) / "large", Path(folder) / "small"
        ingest_requests.write(large, requests, A_REQUEST)
        ingest_requests.write(small, SMALL_REQUESTS, 1)
        engines = given.engines.split(",")
        held = [bench(engine, large, small, requests * A_REQUEST, redis_url) for engine in engines]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
