"""Redis as Celery and the library keep it: priorities, what is in hand, what comes back later."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import redis

from agents.queues.redis import RedisBroker
from agents.queues.values import Figures
from core import ids
from core.brokers.api import BrokerUrl
from tests.support.library_brokers import redis_broker
from tests.support.queue_brokers import Home, claimed


@pytest.fixture
def home(redis_url: str) -> Home:
    return Home(redis_url)


def figures(home: Home, name: str) -> Figures:
    with home.open() as there:
        return {each.name: each for each in there.read([name]).queues}[name]


def test_priorities__are_one_queue_and_peeked_in_the_order_they_are_taken(home: Home) -> None:
    home.send("extract", "late", priority=9)
    home.send("extract", "soon", priority=0)
    home.send("extract", "middle", priority=3)
    assert figures(home, "extract").depth == 3
    with home.open() as there:
        assert [each.message_id for each in there.peek("extract", 5)] == ["soon", "middle", "late"]


def test_head__its_id_and_its_age_where_the_id_tells(home: Home) -> None:
    first, second = str(ids.new()), str(ids.new())
    home.send("extract", first, second)
    found = figures(home, "extract")
    assert found.head_id == first
    assert found.head_at
    assert abs((datetime.now(UTC) - found.head_at).total_seconds()) < 30


def test_head__of_a_large_message__is_found_at_its_end(home: Home) -> None:
    with home.connected() as connection:
        connection.Producer().publish(
            "x" * 900_000, routing_key="extract", declare=[home.queue("extract")], headers={"id": "large"}
        )
    assert figures(home, "extract").head_id == "large"


def test_in_hand__by_the_queue_that_a_key_leads_to(home: Home) -> None:
    """kombu notes exchange and routing key; the binding says which queue that is."""
    with redis.Redis.from_url(home.url) as client:
        client.sadd("_kombu.binding.shop", "books\x06\x16\x06\x16extract")
        client.hset("unacked", "tag", json.dumps([{"body": "x"}, "shop", "books"]))
    assert figures(home, "extract").unacknowledged == 1


def test_claims_of_the_library__who_has_them_since_when(home: Home) -> None:
    with redis.Redis.from_url(home.url) as client:
        client.hset("postroom.unacked", "tag", claimed('{"headers": {"id": "m-1"}}', "extract", "extract-0"))
        client.hset("postroom.delayed.messages", "later", json.dumps(["{}", "extract", "extract"]))
    found = figures(home, "extract")
    assert (found.unacknowledged, found.delayed) == (1, 1)
    with home.open() as there:
        held = there.held("extract", 10)
    assert [(each.message_id, each.instance) for each in held] == [("m-1", "extract-0")]
    assert held[0].since
    assert abs((datetime.now(UTC) - held[0].since).total_seconds()) < 30


def test_the_librarys_own_transport__its_claims_are_read(redis_url: str) -> None:
    home = Home(redis_url)
    with redis_broker(redis_url) as library:
        library.send("extract", {"n": 1})
        library.send("extract", {"n": 2})
        library.take("extract")
        found = figures(home, "extract")
        assert (found.depth, found.unacknowledged) == (1, 1)


def test_a_key_that_is_no_list__no_error(home: Home) -> None:
    with redis.Redis.from_url(home.url) as client:
        client.set("extract", "not a queue")
    assert figures(home, "extract").depth == 0


def test_many_keys__are_looked_through_in_portions(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.mset({f"noise:{number}": "" for number in range(60_000)})
        client.sadd("_kombu.binding.shop", "books\x06\x16\x06\x16books")
    there = RedisBroker(BrokerUrl("main", redis_url))
    names: set[str] = set()
    for _ in range(5):
        names |= {each.name for each in there.read([]).queues}
    there.close()
    assert "books" in names
