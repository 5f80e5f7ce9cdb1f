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
from typing import Any, NamedTuple

import psutil
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
def worker(kind: str, url: str, **more: str) -> Iterator[psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.library_agents", kind, url],
        cwd=ROOT, env=environment(PYTHONPATH=f"{ROOT}:{ROOT / 'sdk'}", **more),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def running(kind: str, url: str) -> Iterator[psutil.Process]:
    """The worker, and for telemetry somebody who takes it."""
    if kind != "telemetry":
        with worker(kind, url) as process:
            yield process
        return
    port = servers.free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with worker("sink", str(port)), worker(kind, url, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as process:
        yield process


def drained(client: redis.Redis) -> bool:
    return client.llen(QUEUE) == 0 and all(client.hlen(key) == 0 for key in UNACKED)


class Cost(NamedTuple):
    """Seconds per message: by the clock, and of the processors (the worker's processes and Redis)."""

    wall: float
    cpu: float


def measure(kind: str, url: str, client: redis.Redis, messages: list[bytes]) -> Cost:
    client.flushall()
    with running(kind, url) as process:
        client.lpush(QUEUE, *messages[:WARM_UP])
        until(lambda: drained(client), f"{kind} to warm up", 60)
        begun, spent = time.perf_counter(), cpu_seconds(process, client)
        client.lpush(QUEUE, *messages[WARM_UP:])
        until(lambda: drained(client), f"{kind} to handle all", 120)
        took, count = time.perf_counter() - begun, len(messages) - WARM_UP
        return Cost(took / count, (cpu_seconds(process, client) - spent) / count)


def cpu_seconds(process: psutil.Process, client: redis.Redis) -> float:
    """What the worker's family and Redis have used up to now."""
    family = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    told: Any = client.info("cpu")
    own = float(told["used_cpu_user"]) + float(told["used_cpu_sys"])
    return own + sum(times.user + times.system for times in family)


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
        taken: dict[str, list[Cost]] = {kind: [] for kind in sent}
        for _ in range(options.rounds):
            for kind, messages in sent.items():
                taken[kind].append(measure(kind, socket_url, client, messages))
    best = {
        kind: Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs))
        for kind, costs in taken.items()
    }
    return report(best, options.messages)


def report(best: dict[str, Cost], count: int) -> int:
    """Both kinds of cost must hold: on a busy machine the processors' time is the one that means something."""
    print(
        f"a task that does nothing, {count:,} messages, concurrency {CONCURRENCY}, Redis; microseconds a message"
    )
    bare, good = best["bare"], True
    for kind, cost in best.items():
        over = Cost(cost.wall / bare.wall - 1, cost.cpu / bare.cpu - 1)
        goal = GOALS.get(kind)
        good = good and (goal is None or max(over) <= goal)
        allowed = f"   allowed {goal:.0%}" if goal is not None else ""
        print(
            f"  {kind:<10} clock {cost.wall * 1e6:>7,.0f} ({over.wall:+.0%})"
            f"   processors {cost.cpu * 1e6:>7,.0f} ({over.cpu:+.0%}){allowed}"
        )
    print(json.dumps({kind: [round(each * 1e6) for each in cost] for kind, cost in best.items()}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
