"""Whether a Redis still has what was put there: it is started again, with and without its file, or with an old one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from core.brokers import api
from core.brokers.api import BrokerUrl
from core.brokers.redis_life import Life, read
from tests.support import servers

THEN = Life("a", 7, "s1", writes=True, at=100, began=50)
WRITES = ("--appendonly", "yes")


@pytest.fixture
def folder(redis_server: str, tmp_path: Path) -> Iterator[Path]:
    """Where servers keep their files, one after the other."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def life(url: str) -> str:
    with api.publisher(BrokerUrl("main", url)) as publisher:
        return publisher.life()


def kept(url: str, life: str) -> bool:
    with api.publisher(BrokerUrl("main", url)) as publisher:
        return publisher.kept(life)


@pytest.mark.parametrize(
    ("now", "held"),
    [
        (THEN, True),
        (THEN._replace(beat=9), True),
        (THEN._replace(server="s2", began=101), True),
        (THEN._replace(beat=6), False),
        (THEN._replace(mark="b"), False),
        (THEN._replace(mark="", beat=0), False),
        (THEN._replace(server="s2", began=101, writes=False), False),
        (THEN._replace(server="s2"), False),
        (THEN._replace(server=""), False),
    ],
)
def test_what_is_there_now__says_whether_all_was_kept(now: Life, held: bool) -> None:
    assert now.has_kept(THEN) is held


def test_nothing_is_known_of_then__nothing_was_kept() -> None:
    assert not THEN.has_kept(read(""))
    assert not THEN.has_kept(THEN._replace(server="", writes=False))
    assert read(THEN.text) == THEN._replace(began=0)


def test_the_same_server__kept_until_it_is_emptied(redis_url: str) -> None:
    first, second = life(redis_url), life(redis_url)
    assert kept(redis_url, first)
    assert kept(redis_url, second)
    servers.empty_redis(redis_url)
    assert not kept(redis_url, second)
    assert kept(redis_url, life(redis_url))


@pytest.mark.parametrize("writes", [True, False])
def test_started_again__kept_where_it_writes_everything_to_its_file(writes: bool, folder: Path) -> None:
    options = ("--dir", str(folder), *(WRITES if writes else ()))
    with servers.redis_server(*options) as url:
        before = life(url)
    with servers.redis_server(*options) as url:
        assert kept(url, before) is writes


def test_started_again_with_a_snapshot__what_came_after_it_is_lost(folder: Path) -> None:
    options = ("--dir", str(folder))
    with servers.redis_server(*options) as url:
        early = life(url)
        with redis.Redis.from_url(url) as client:
            client.save()
        late = life(url)
    with servers.redis_server(*options) as url:
        # Of this one nobody can tell either: it is there, but what came after it may not be.
        assert not kept(url, early)
        assert not kept(url, late)


def test_started_again_with_an_old_file__not_kept(folder: Path) -> None:
    options = ("--dir", str(folder), *WRITES)
    old = folder.with_name(f"{folder.name}-old")
    with servers.redis_server(*options) as url:
        early = life(url)
    shutil.copytree(folder, old)
    with servers.redis_server(*options) as url:
        late = life(url)
        assert kept(url, early)
    with servers.redis_server("--dir", str(old), *WRITES) as url:
        assert kept(url, early)
        assert not kept(url, late)


def test_rabbitmq_remembers_nothing() -> None:
    with api.publisher(BrokerUrl("main", f"amqp://127.0.0.1:{servers.free_port()}/")) as publisher:
        assert not publisher.remembers
        assert publisher.life() == ""
