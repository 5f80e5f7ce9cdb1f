"""How many letters a second the executor redrives, beside bare floors in the same run; and whether a rate holds.

    python -m tests.bench.redrive_bench [--letters 20000] [--engine postgres|sqlite] [--million]

In rounds: some letters by the bare floor (redrive_floor.py), as many by an operation that the house's workers carry
out, and some one by one through kombu, all into one private Redis and out of one database. Required on PostgreSQL: at
least 0.4 of the floor, and 3 times a script that publishes a message, marks its letter and commits, one after the
other (docs/decisions/024); and with a rate, every window of a second within 5 % of it. Beside it stands kombu with no
database at all, of which nothing is required.

With --million instead: 1,000,000 letters (or --letters) from plan to outcome. Required: sealed in under 20 s while
whoever asked has an answer in one, and workers that hold under 300 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import servers
from tests.support.house import ROOT, House

SHARE, TIMES = 0.4, 3
WITHIN = 0.05
MILLION, PLENTY = 1_000_000, 20_000
MOST_SEALING, MOST_ASKED, MOST_MEMORY = 20.0, 1.0, 300


@contextmanager
def house(engine: str) -> Iterator[House]:
    """A Postroom of its own with a Redis of its own."""
    with tempfile.TemporaryDirectory(prefix="redrive-bench-") as folder, servers.redis_server() as redis:
        data = Path(folder) / "data"
        if engine == "sqlite":
            yield _with_redis(House(data), redis)
            return
        with servers.postgres_database(servers.postgres_server()) as url:
            yield _with_redis(House(data, url), redis)


def _with_redis(made: House, redis: str) -> House:
    made.environ |= {"POSTROOM_REDIS_URL": redis, "DJANGO_SETTINGS_MODULE": "core.settings"}
    return made


def run(engine: str, what: str, letters: int) -> Any:
    command = [sys.executable, "-m", "tests.bench.redrive_runs", what, str(letters)]
    with house(engine) as made:
        done = subprocess.run(
            command, cwd=ROOT, env=made.environ, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def throughput(engine: str, letters: int) -> bool:
    rates = run(engine, "throughput", letters)
    executor = rates["executor"]
    share, times = executor / rates["floor"], executor / rates["script"]
    print(f"{engine}: floor {rates['floor']:,.0f} letters/s (bare pipelined publish and one bare update)")
    print(f"{engine}: executor {executor:,.0f} letters/s, {share:.2f} of the floor (at least {SHARE})")
    print(
        f"{engine}: one by one, each published by kombu, marked and committed, {rates['script']:,.0f}/s: "
        f"{times:.1f} times (at least {TIMES})"
    )
    print(
        f"{engine}: one by one through kombu with no database {rates['kombu']:,.0f}/s: "
        f"{executor / rates['kombu']:.1f} times (nothing is required)"
    )
    return engine != "postgres" or (share >= SHARE and times >= TIMES)


def rate(engine: str) -> bool:
    said = run(engine, "rate", 0)
    wanted, most, least = said["rate"], said["most"], said["least"]
    worst = max(most / wanted - 1, 1 - least / wanted)
    print(
        f"{engine}: at {wanted}/s with a pause: {most} in the fullest second, {least} in the emptiest, so "
        f"{worst:.1%} off (at most {WITHIN:.0%}); {said['late']} were sent after the pause began"
    )
    return worst <= WITHIN


def million(engine: str, letters: int) -> bool:
    said = run(engine, "million", letters)
    peak = said["peak"] / 2**20
    print(f"{engine}: {letters:,} letters asked for in {said['asked']:.2f} s (at most {MOST_ASKED:.0f})")
    print(f"{engine}: sealed in {said['sealing']:.1f} s (under {MOST_SEALING:.0f})")
    print(f"{engine}: sent in {said['sent']:,.0f} s, {letters / said['sent']:,.0f} letters/s beside outcomes")
    print(f"{engine}: every outcome noted after {said['ended']:,.0f} s")
    print(f"{engine}: a worker held {peak:.0f} MB at most (under {MOST_MEMORY})")
    return said["asked"] <= MOST_ASKED and said["sealing"] < MOST_SEALING and peak < MOST_MEMORY


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--letters", type=int, default=0)
    parser.add_argument("--engine", default="postgres", choices=("postgres", "sqlite"))
    parser.add_argument("--million", action="store_true")
    given = parser.parse_args()
    if given.million:
        held = [million(given.engine, given.letters or MILLION)]
    else:
        held = [throughput(given.engine, given.letters or PLENTY), rate(given.engine)]
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
