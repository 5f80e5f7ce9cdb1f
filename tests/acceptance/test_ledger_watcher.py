"""The watcher brings lifecycle events from brokers into the ledger, and is killed while it does."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection, Queue

from core.data_dir import DataDir
from core.redis_url import for_celery
from tests.support import servers
from tests.support.house import ROOT, House
from tests.support.waiting import until

AT = "2026-11-26T14:03:12.123456Z"
KINDS = ("sent", "received", "running", "succeeded")
ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
Publish = Callable[[list[bytes]], None]
# Its address, a way to publish entries there, and how many are left.
Broker = tuple[str, Publish, Callable[[], int]]


def event(message_id: str, kind: str, **more: Any) -> dict[str, Any]:
    attempt = 0 if kind == "sent" else 1
    fields = {
        "id": f"{message_id}-{kind}",
        "kind": kind,
        "at": AT,
        "message_id": message_id,
        "attempt": attempt,
    }
    return fields | {"source": "library", "environment": "production", "queue": "extract"} | more


class Post(House):
    """A house with a watcher."""

    def __init__(self, data: Path, redis_url: str, brokers: str) -> None:
        super().__init__(data)
        self.environ |= {"POSTROOM_REDIS_URL": redis_url, "POSTROOM_BROKERS": brokers}

    @contextmanager
    def watcher(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([sys.executable, "manage.py", "watch"], cwd=ROOT, env=self.environ)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)

    def messages(self) -> dict[str, dict[str, Any]]:
        lines = self.run("-m", "tests.support.ledger_stored").stdout.splitlines()
        return {row["message_id"]: row for row in map(json.loads, lines)}

    def ask(self, question: str) -> list[Any]:
        """Asked of the file itself: a process for each question takes too long."""
        with sqlite3.connect(DataDir(self.data).telemetry_database, timeout=20) as database:
            return database.execute(question).fetchall()

    def count(self) -> int:
        return int(self.ask("SELECT COUNT(*) FROM ledger_event")[0][0])


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, redis_url: str) -> Iterator[Broker]:
    if request.param == "redis":
        client = redis.Redis.from_url(redis_url)

        def add(entries: list[bytes]) -> None:
            with client.pipeline() as pipeline:
                for entry in entries:
                    pipeline.xadd("postroom.events", {"e": entry})
                pipeline.execute()

        yield redis_url, add, lambda: int(client.xlen("postroom.events"))
        return
    address = request.getfixturevalue("rabbitmq_url")
    connection = Connection(address)
    queue = Queue("postroom.events", durable=True, queue_arguments=ARGUMENTS)(connection.default_channel)
    queue.queue_declare()
    producer = connection.Producer()

    def publish(entries: list[bytes]) -> None:
        for entry in entries:
            producer.publish(
                entry,
                routing_key="postroom.events",
                content_type="application/json",
                content_encoding="utf-8",
            )

    def left() -> int:
        declared: Any = queue.queue_declare(passive=True)
        return int(declared.message_count)

    yield address, publish, left
    connection.release()


@pytest.mark.kills
def test_a_watcher_that_is_killed_loses_and_doubles_nothing(
    tmp_path: Path, redis_url: str, broker: Broker
) -> None:
    address, publish, left = broker
    house = Post(tmp_path / "data", redis_url, f"main={address}")
    ids = [uuid.uuid4().hex for _ in range(2_000)]
    entries = [json.dumps(event(id, kind)).encode() for kind in KINDS for id in ids]
    publish([b"no event", json.dumps([event("listed", "sent"), event("listed", "running")]).encode()])
    publish(entries[:4_000])
    total = len(entries) + 2
    with house.watcher() as first:
        until(lambda: house.count() > 500, "events to arrive", 60)
        os.kill(first.pid, signal.SIGKILL)
    assert house.count() < total
    publish(entries[4_000:])
    with house.watcher():
        until(lambda: house.count() >= total, "the rest to arrive", 60)
        until(lambda: left() == 0, "the broker to forget them")
    found = house.messages()
    assert {found[id]["events"] for id in ids} == {len(KINDS)}
    assert {found[id]["state"] for id in ids} == {"succeeded"}
    assert found["listed"]["state"] == "running"
    assert found["listed"]["broker"] == "main"


def test_a_bare_celery_worker_appears__and_is_only_observed(tmp_path: Path, redis_url: str) -> None:
    """With `-E` and without a library; what happens while nobody listens is noted as a gap."""
    with servers.redis_server() as shop:
        environ = os.environ | {"SHOP_BROKER": for_celery(shop)}
        house = Post(tmp_path / "data", redis_url, f"shop={shop}")
        command = [sys.executable, "-m", "celery", "-A", "tests.support.bare_celery", "worker", "-E"]
        command += ["-c", "1", "--hostname", "books@here", "--without-mingle", "--without-gossip"]
        worker = subprocess.Popen(command, cwd=ROOT, env=environ)
        try:
            with house.watcher():
                until(lambda: _ears(house), "Celery's stream to be heard", 60)
                sent = _send(environ, "book", "refuse", "again")
                until(lambda: len(_over(house)) == 3, "three tasks to end", 90)
            with house.watcher():
                until(lambda: _gaps(house), "the gap to be noted", 60)
                until(lambda: "books@here" in _registered(house), "the worker to be known", 60)
        finally:
            worker.terminate()
            worker.wait(30)
        found = house.messages()
    booked, refused, again = (found[id] for id in sent)
    assert (booked["state"], booked["task"], booked["queue"], booked["agent"], booked["instance"]) == (
        "succeeded", "shop.book", "celery", "books", "books@here",
    )  # fmt: skip
    assert (refused["state"], json.loads(refused["error"])["type"]) == ("dead", "ValueError")
    assert (again["state"], again["attempt"]) == ("dead", 2)
    assert {row["sources"] for row in found.values()} == {2}


def _registered(house: Post) -> str:
    return house.run("-m", "tests.support.registered").stdout


def _send(environ: dict[str, str], *tasks: str) -> list[str]:
    calls = "; ".join(f"print(c.{task}.delay({7 if task == 'book' else ''}).id)" for task in tasks)
    code = f"import tests.support.bare_celery as c; {calls}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split()


def _ears(house: Post) -> bool:
    """A worker has said that it lives, so both are there."""
    return bool(house.ask("SELECT 1 FROM ledger_ear WHERE way = 'celery' AND hears"))


def _over(house: Post) -> list[Any]:
    return house.ask("SELECT 1 FROM ledger_message WHERE state IN ('succeeded', 'dead')")


def _gaps(house: Post) -> list[Any]:
    return house.ask("SELECT 1 FROM ledger_gap WHERE broker = 'shop'")
