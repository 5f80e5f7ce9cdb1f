"""Whole workers on `postroom+redis://` that are stopped and killed: nothing is lost, nothing late is taken for done."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from postroom.delivery.api import ClaimLostError, Delivery, Retry, Settlement
from postroom.delivery.message import body_of, whole
from postroom.delivery.redis import keys
from postroom.delivery.redis.settler import RedisSettler
from postroom.drills.brokers import PrivateRedis
from tests.support.library_workers import bare_client, plain, worker
from tests.support.waiting import until


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


def numbers(lines: list[str]) -> list[int]:
    return sorted(int(line.split()[0]) for line in lines)


def waiting(client: Any) -> list[int]:
    """The numbers in the queue, the next to go first."""
    messages = [json.loads(message) for message in reversed(client.lrange("work", 0, -1))]
    return [json.loads(body_of(message))[0][0] for message in messages]


@pytest.mark.kills
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_killed_between_claim_and_acknowledgement_loses_nothing(
    redis_url: str, client: Any, tmp_path: Path, pool: str
) -> None:
    bare = bare_client(redis_url)
    with worker(f"postroom+{redis_url}", tmp_path, "first", POOL=pool, PREFETCH="4") as first:
        for number in range(12):
            bare.send_task("work", [number, 0.3])
        until(lambda: client.hlen(keys.UNACKED) >= 4 and first.lines(), "work to be under way")
        first.kill()
    with worker(f"postroom+{redis_url}", tmp_path, "second", POOL=pool) as second:
        until(lambda: set(numbers(second.lines())) == set(range(12)), "all of it to be done", 30)
        until(lambda: client.hlen(keys.UNACKED) == 0, "the last acknowledgement")
        assert any(not line.endswith(" 0") for line in second.lines()), "some came a second time"


@pytest.mark.kills
def test_a_stopped_worker_loses_its_claim_and_its_late_settlement_is_refused(
    redis_url: str, client: Any, tmp_path: Path
) -> None:
    with worker(f"postroom+{redis_url}", tmp_path, "first") as first:
        bare_client(redis_url).send_task("work", [1, 1.0])
        until(lambda: client.hlen(keys.UNACKED) == 1, "the claim")
        tag = client.hkeys(keys.UNACKED)[0].decode()
        first.send(signal.SIGSTOP)
        with worker(f"postroom+{redis_url}", tmp_path, "second") as second:
            until(lambda: len(second.lines()) == 1, "the other worker to do it", 20)
            first.send(signal.SIGCONT)
            until(lambda: len(first.lines()) == 2, "the first to finish late")
            settler = RedisSettler(redis_url)
            with pytest.raises(ClaimLostError):
                settler.settle(Delivery("work", "1", tag, tag), Settlement(events=(b"{}",), letter=b"{}"))
            settler.close()
        assert client.xlen(keys.EVENTS) == client.xlen(keys.LETTERS) == 0


@pytest.mark.kills
def test_a_delayed_retry_outlives_the_worker_that_asked_for_it(
    redis_url: str, client: Any, tmp_path: Path
) -> None:
    bare = bare_client(redis_url)
    with worker(f"postroom+{redis_url}", tmp_path, "first") as first:
        bare.send_task("work", [1, 5.0])
        until(lambda: client.hlen(keys.UNACKED) == 1, "the claim")
        _settle_with_a_retry(redis_url, client)
        first.kill()
    assert client.zcard(keys.DELAYED) == 1
    with worker(f"postroom+{redis_url}", tmp_path, "second") as second:
        until(lambda: numbers(second.lines()) == [1], "the retry", 20)
        assert client.zcard(keys.DELAYED) == client.hlen(keys.DELAYED_MESSAGES) == 0


def _settle_with_a_retry(url: str, client: Any) -> None:
    """As the handler's child does: the same task again, now quick, in two seconds."""
    tag = client.hkeys(keys.UNACKED)[0].decode()
    headers = {"task": "work", "id": "again", "lang": "py"}
    message = whole(b"[[1, 0.0], {}, {}]", headers=headers, properties={"correlation_id": "again"})
    settler = RedisSettler(url)
    settler.settle(Delivery("work", "1", tag, tag), Settlement(retry=Retry(2.0, message)))
    settler.close()


def test_a_pools_child_settles_by_itself_and_the_workers_own_acknowledgement_changes_nothing(
    redis_url: str, client: Any, tmp_path: Path
) -> None:
    bare = bare_client(redis_url)
    with worker(f"postroom+{redis_url}", tmp_path, "first", POOL="prefork") as first:
        for number in range(20):
            bare.send_task("settle", [number])
        until(lambda: client.xlen(keys.EVENTS) == 20, "all to be settled")
        until(lambda: first.log.read_text().count(" succeeded in ") == 20, "the worker to hear of it")
        assert client.hlen(keys.UNACKED) == client.zcard(keys.UNACKED_DUE) == client.llen("work") == 0


# Not prefork: Celery's own warm shutdown may hang there or miss the last acknowledgement, on any transport.
@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_worker_that_is_told_to_end_hands_back_what_it_did_not_start(
    redis_url: str, client: Any, tmp_path: Path, pool: str
) -> None:
    bare = bare_client(redis_url)
    with worker(f"postroom+{redis_url}", tmp_path, "first", POOL=pool, PREFETCH="4") as first:
        for number in range(10):
            bare.send_task("work", [number, 0.5])
        until(first.lines, "the first to be done")
        first.stop()
        assert client.hlen(keys.UNACKED) == client.zcard(keys.UNACKED_DUE) == 0
        assert {*waiting(client), *numbers(first.lines())} == set(range(10))


@pytest.mark.kills
def test_redis_is_away_for_longer_than_a_claim__what_runs_is_given_to_nobody_else(tmp_path: Path) -> None:
    with closing(PrivateRedis(tmp_path)) as server, redis.Redis.from_url(server.plain) as client:
        with worker(server.url, tmp_path, "first") as first, worker(server.url, tmp_path, "second"):
            bare_client(server.plain).send_task("work", [1, 6.0])
            until(lambda: client.hlen(keys.UNACKED) == 1, "the claim")
            server.kill()
            began = time.monotonic()
            until(lambda: time.monotonic() - began > 2.5, "longer than a claim holds")
            server.start()
            until(first.lines, "the work to be done", 30)
            until(lambda: client.hlen(keys.UNACKED) == 0, "its acknowledgement")
        assert [line.split()[::2] for line in first.lines()] == [["1", "0"]], "once, and for the first time"


@pytest.mark.kills
def test_kombus_own_transport_loses_what_it_took_and_had_not_noted(
    redis_url: str, client: Any, tmp_path: Path
) -> None:
    """Why there is another transport: three messages are sent to a stopped worker, it is killed, one is gone."""
    bare = bare_client(redis_url)
    with worker(plain(redis_url), tmp_path, "bare") as stopped:
        until(lambda: _waits(client), "the worker to wait for messages")
        stopped.send(signal.SIGSTOP)
        for number in range(3):
            bare.send_task("work", [number])
        left = client.llen("work")
        stopped.kill()
    assert left == 2
    assert client.llen("work") + client.hlen("unacked") == 2, "the third is nowhere"


def _waits(client: Any) -> bool:
    time.sleep(0.01)
    return any(one["cmd"] == "brpop" for one in client.client_list())
