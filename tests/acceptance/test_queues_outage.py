"""A broker is killed and started again in the middle of sampling: said at once, and forgotten by itself."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.data_dir import DataDir
from postroom.drills.brokers import Broker, PrivateRedis
from tests.support.house import ROOT, House
from tests.support.queue_brokers import QUORUM, Home, ManagedRabbitMQ
from tests.support.waiting import until

MESSAGES = 50
# What the issue allows from a broker's return until its figures are true again.
RECOVERED_WITHIN = 10.0


class Post(House):
    """A house with a watcher, whose own Redis is not the broker that is watched."""

    def __init__(self, data: Path, redis_url: str, broker: str, management: str) -> None:
        super().__init__(data)
        self.environ |= {"POSTROOM_REDIS_URL": redis_url, "POSTROOM_BROKERS": f"main={broker}"}
        if management:
            self.environ["POSTROOM_BROKER_MANAGEMENT"] = f"main={management}"

    @contextmanager
    def watcher(self) -> Iterator[None]:
        process = subprocess.Popen([sys.executable, "manage.py", "watch"], cwd=ROOT, env=self.environ)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)

    def ask(self, question: str) -> Any:
        with sqlite3.connect(DataDir(self.data).telemetry_database, timeout=20) as database:
            return database.execute(question).fetchone()

    def reachable(self) -> bool | None:
        found = self.ask("SELECT reachable FROM queues_brokerrow")
        return bool(found[0]) if found else None

    def depth(self) -> int | None:
        found = self.ask("SELECT depth FROM queues_queuerow WHERE name = 'extract'")
        return int(found[0]) if found else None


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    request.getfixturevalue("redis_url" if request.param == "redis" else "rabbitmq_program")
    made: Broker = PrivateRedis(tmp_path) if request.param == "redis" else ManagedRabbitMQ(tmp_path)
    yield made
    made.close()


@pytest.mark.kills
def test_broker_killed_and_started__said_and_recovered_and_nothing_lost(
    broker: Broker, redis_url: str, tmp_path: Path
) -> None:
    management = broker.management if isinstance(broker, ManagedRabbitMQ) else ""
    home = Home(broker.plain, QUORUM if management else None, management)
    home.send("extract", *[f"m-{number}" for number in range(MESSAGES)], delivery_mode=2)
    house = Post(tmp_path / "data", redis_url, broker.plain, management)
    with house.watcher():
        until(lambda: house.depth() == MESSAGES, "the first sample", 60)
        broker.kill()
        until(lambda: house.reachable() is False, "the outage to be said", 15)
        assert house.depth() == MESSAGES
        broker.start()
        began = time.monotonic()
        home.send("extract", "one more", delivery_mode=2)
        until(lambda: house.reachable() and house.depth() == MESSAGES + 1, "true figures again", 30)
        assert time.monotonic() - began < RECOVERED_WITHIN
    # Nothing that the sampler did is left on the broker: every message can be taken, none was handed out before.
    with home.connected() as connection:
        queue = home.queue("extract")(connection.default_channel)
        taken = [message for _ in range(MESSAGES + 1) if (message := queue.get(no_ack=True))]
    assert len(taken) == MESSAGES + 1
    assert not any(message.delivery_info.get("redelivered") for message in taken)
