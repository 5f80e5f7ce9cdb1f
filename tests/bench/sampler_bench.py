"""What sampling many queues costs: the watcher's own loop in a process of its own, on real brokers and databases.

    python -m tests.bench.sampler_bench [--queues 1000] [--seconds 60] [--brokers redis,rabbitmq]
        [--engines sqlite,postgres]

Every queue has messages waiting, and some come and go while it is sampled. What must hold: the period of 5 s is kept
(no sample begins more than half a second late) and less than 20% of one core is used, the minutes' longer stretches
included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import redis

from tests.support import servers
from tests.support.house import ROOT, House

PERIOD, LATE, SHARE = 5.0, 0.5, 0.2
WAITING, SIZE = 20, 1_000


def sample(seconds: float) -> dict[str, Any]:
    """In a process of its own: the loop for so long, and what it took."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()
    from datetime import timedelta
    from resource import RUSAGE_SELF, getrusage

    from agents.queues.flow import Flow
    from agents.queues.models import QueueCell, QueueRow
    from agents.queues.services import sampling
    from agents.queues.watching import Sampling
    from core import clock
    from core.brokers.api import configured
    from core.leases import Lease
    from core.watch import Turn

    broker = configured()[0]
    flow, turn = Flow([broker.name]), Turn(Lease("bench", 1, timedelta(days=1), float("inf")))
    known = int(os.environ["BENCH_QUEUES"])
    began: list[float] = []
    step = sampling.Sampler.step

    def counted(self: Any) -> Any:
        began.append(clock.monotonic())
        return step(self)

    sampling.Sampler.step = counted  # type: ignore[method-assign]
    # A RabbitMQ without its management API names no queues: agents, messages and workers do.
    names = {f"queue-{number}" for number in range(known)}
    flow.names = lambda broker, *, placed: names  # type: ignore[method-assign]
    follow = threading.Thread(
        target=lambda: [turn.over.wait(1) or flow.follow() for _ in range(int(seconds))]
    )
    before, start = getrusage(RUSAGE_SELF), clock.monotonic()
    threading.Timer(seconds, turn.over.set).start()
    follow.start()
    Sampling(broker, flow).look(turn)
    after, took = getrusage(RUSAGE_SELF), clock.monotonic() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    gaps = [later - one for one, later in pairwise(began)]
    return {
        "queues": QueueRow.objects.filter(depth__gt=0).count(),
        "samples": len(began),
        "cells": QueueCell.objects.count(),
        "share": cpu / took,
        "late_s": max((gap - PERIOD for gap in gaps), default=0.0),
    }


@contextmanager
def redis_with(queues: int) -> Iterator[str]:
    with servers.redis_server() as url, redis.Redis.from_url(url) as client:
        body = json.dumps({"body": "x" * SIZE, "headers": {"id": "m"}, "properties": {}})
        with client.pipeline(transaction=False) as pipe:
            for number in range(queues):
                pipe.sadd(f"_kombu.binding.queue-{number}", f"queue-{number}\x06\x16\x06\x16queue-{number}")
                pipe.lpush(f"queue-{number}", *[body] * WAITING)
            pipe.execute()
        over = threading.Event()
        busy = threading.Thread(target=_come_and_go, args=(url, queues, body, over))
        busy.start()
        yield url
        over.set()
        busy.join()


def _come_and_go(url: str, queues: int, body: str, over: threading.Event) -> None:
    """Two hundred messages a second, in and out."""
    with redis.Redis.from_url(url) as client:
        first = 0
        while not over.wait(0.1):
            first += 20
            with client.pipeline(transaction=False) as pipe:
                for number in range(first, first + 20):
                    pipe.lpush(f"queue-{number % queues}", body)
                    pipe.rpop(f"queue-{(number * 7) % queues}")
                pipe.execute()


@contextmanager
def rabbitmq_with(queues: int) -> Iterator[str]:
    from core.brokers.api import BrokerUrl
    from core.brokers.rabbitmq import connected

    with servers.rabbitmq_vhost(servers.rabbitmq_program()) as url:
        connection = connected(BrokerUrl("main", url))
        channel = connection.channel()
        import amqp

        for number in range(queues):
            channel.queue_declare(f"queue-{number}", durable=False, auto_delete=False)
            for _ in range(3):
                channel.basic_publish(amqp.Message("x" * SIZE), "", f"queue-{number}")
        connection.close()
        yield url


BROKERS = {"redis": redis_with, "rabbitmq": rabbitmq_with}


@contextmanager
def database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        yield ""
        return
    with servers.postgres_database(servers.postgres_server()) as url:
        yield url


def measure(broker: str, engine: str, queues: int, seconds: int) -> bool:
    with (
        tempfile.TemporaryDirectory() as folder,
        database(engine) as address,
        BROKERS[broker](queues) as url,
    ):
        house = House(Path(folder) / "data", address)
        house.environ |= {"POSTROOM_BROKERS": f"main={url}", "BENCH_QUEUES": str(queues)}
        command = [sys.executable, "-m", "tests.bench.sampler_bench", "--sample", str(seconds)]
        done = subprocess.run(
            command, cwd=ROOT, env=house.environ, capture_output=True, text=True, check=True
        )
    found = json.loads(done.stdout.splitlines()[-1])
    good = found["share"] < SHARE and found["late_s"] < LATE and found["queues"] >= queues * 0.95
    print(
        f"{broker:9} {engine:9} {found['queues']:6} queues  {found['samples']:3} samples in {seconds} s  "
        f"{found['share']:6.1%} of one core  at most {max(0.0, found['late_s']):.2f} s late  "
        f"{'holds' if good else 'DOES NOT HOLD'}"
    )
    return good


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--queues", type=int, default=1000)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--brokers", default="redis,rabbitmq")
    options.add_argument("--engines", default="sqlite,postgres")
    options.add_argument("--sample", type=float, default=0.0, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.sample:
        print(json.dumps(sample(given.sample)))
        return 0
    pairs = [(broker, engine) for broker in given.brokers.split(",") for engine in given.engines.split(",")]
    held = [measure(broker, engine, given.queues, given.seconds) for broker, engine in pairs]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
