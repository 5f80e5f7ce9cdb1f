"""What the library costs per message, beside bare Celery: `python -m tests.bench.library_bench [--messages 4000]`.

Each worker runs alone, four processes, on one private Redis. It is started on an empty queue; once it has handled a
first few messages, the queue is filled in one go with what a sender would send, and the time is taken until the broker
holds nothing any more, neither waiting nor unacknowledged. Rounds take turns, and the best of each counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from tests.bench.library_agents import CONCURRENCY, QUEUE, Nothing, bare_application
from tests.support import servers
from tests.support.commands import environment
from tests.support.house import ROOT
from tests.support.waiting import until

PAYLOAD = {"invoice": 4711, "lines": ["one", "two", "three"], "total": 99.5}
WARM_UP = 200
# What is allowed over bare Celery.
GOALS = {"agent": 0.40, "telemetry": 0.80}
UNACKED = ("unacked", "postroom.unacked")


def samples(url: str) -> dict[str, Callable[[], object]]:
    """What puts one message on the queue, by kind of worker."""
    agent = Nothing("bench", broker_url=url)
    app = bare_application(url)
    return {
        "bare": lambda: app.send_task("bench.nothing", args=[PAYLOAD], queue=QUEUE),
        "agent": lambda: agent.send_message(QUEUE, PAYLOAD),
    }


def recorded(client: redis.Redis, send: Callable[[], object], count: int) -> list[bytes]:
    """As many messages as asked for, as they lie on the queue."""
    client.delete(QUEUE)
    for _ in range(count):
        send()
    found = [bytes(each) for each in client.lrange(QUEUE, 0, -1) if isinstance(each, bytes)]
    client.flushall()
    return found


@contextmanager
def worker(kind: str, url: str, **more: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.library_agents", kind, url],
        cwd=ROOT, env=environment(PYTHONPATH=f"{ROOT}:{ROOT / 'sdk'}", **more),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def running(kind: str, url: str) -> Iterator[None]:
    """The worker, and for telemetry somebody who takes it."""
    if kind != "telemetry":
        with worker(kind, url):
            yield
        return
    port = servers.free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with worker("sink", str(port)), worker(kind, url, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint):
        yield


def drained(client: redis.Redis) -> bool:
    return client.llen(QUEUE) == 0 and all(client.hlen(key) == 0 for key in UNACKED)


def measure(kind: str, url: str, client: redis.Redis, messages: list[bytes]) -> float:
    """Seconds per message."""
    client.flushall()
    with running(kind, url):
        client.lpush(QUEUE, *messages[:WARM_UP])
        until(lambda: drained(client), f"{kind} to warm up", 60)
        begun = time.perf_counter()
        client.lpush(QUEUE, *messages[WARM_UP:])
        until(lambda: drained(client), f"{kind} to handle all", 120)
        return (time.perf_counter() - begun) / (len(messages) - WARM_UP)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with servers.redis_server() as socket_url:
        client = redis.Redis.from_url(socket_url)
        sent = {
            kind: recorded(client, send, options.messages + WARM_UP)
            for kind, send in samples(socket_url).items()
        }
        sent["telemetry"] = sent["agent"]
        taken: dict[str, list[float]] = {kind: [] for kind in sent}
        for _ in range(options.rounds):
            for kind, messages in sent.items():
                taken[kind].append(measure(kind, socket_url, client, messages))
    return report({kind: min(seconds) for kind, seconds in taken.items()}, options.messages)


def report(best: dict[str, float], count: int) -> int:
    print(f"a task that does nothing, {count:,} messages, concurrency {CONCURRENCY}, Redis")
    bare, good = best["bare"], True
    for kind, seconds in best.items():
        over = seconds / bare - 1
        goal = GOALS.get(kind)
        good = good and (goal is None or over <= goal)
        allowed = f", allowed {goal:.0%}" if goal is not None else ""
        print(f"  {kind:<10} {seconds * 1e6:>8,.0f} µs a message   {over:+.0%}{allowed}")
    print(json.dumps({kind: round(seconds * 1e6) for kind, seconds in best.items()}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
