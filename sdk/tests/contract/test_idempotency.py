"""The contract of idempotency stores on Redis, SQLite and PostgreSQL; Django's is in tests/contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from postroom.delivery.api import Done, Settlement
from postroom.delivery.redis import keys
from postroom.idempotency.api import Handled, InProgress, LeaseLostError, StoreUnavailableError
from postroom.idempotency.redis_store import RedisStore
from postroom.idempotency.sql_store import SqlStore
from tests.support.idempotency_contract import StoreContract, fresh
from tests.support.library_brokers import redis_broker
from tests.support.waiting import until


class TestRedis(StoreContract):
    @pytest.fixture
    def store(self, redis_url: str) -> Iterator[RedisStore]:
        store = RedisStore(f"postroom+{redis_url}")
        with redis.Redis.from_url(redis_url) as client:
            client.hset(keys.UNACKED, "delivery-1", "[]")
        yield store
        store.close()

    def test_the_owners_claim_is_gone__another_takes_over_without_waiting(
        self, store: RedisStore, redis_url: str
    ) -> None:
        mine = fresh(store.begin("k", 30, owner="delivery-1"))
        assert isinstance(store.begin("k", 30, owner="delivery-2"), InProgress)
        with redis.Redis.from_url(redis_url) as client:
            client.hdel(keys.UNACKED, "delivery-1")
        fresh(store.begin("k", 30, owner="delivery-2"))
        with pytest.raises(LeaseLostError):
            store.finish(mine, b"", 60)

    def test_a_settlement_writes_the_record_in_its_own_step(self, store: RedisStore, redis_url: str) -> None:
        with redis_broker(redis_url) as broker:
            broker.send("a", "m")
            taken = broker.get("a")
            key = keys.done("a", "m")
            fresh(store.begin(key, 30, owner=taken.delivery.tag))
            broker.settle(taken, Settlement(done=Done(key, b"r", 60)))
        assert store.begin(key, 30) == Handled(b"r")
        with redis.Redis.from_url(redis_url) as client:
            assert not client.exists(keys.running(key))


@pytest.fixture(params=["sqlite", "postgres"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Opens a connection to the agent's own database."""
    if request.param == "sqlite":
        return lambda: sqlite3.connect(tmp_path / "agent.db")
    url = request.getfixturevalue("postgres_url")
    return lambda: psycopg.connect(url)


@pytest.fixture
def sql_store(connect: Callable[[], Any]) -> Iterator[SqlStore]:
    store = SqlStore(connect)
    store.make_tables()
    yield store
    store.close()


class TestSql(StoreContract):
    @pytest.fixture
    def store(self, sql_store: SqlStore) -> SqlStore:
        return sql_store

    def test_within_a_transaction__effect_and_record_are_both_there_or_neither(
        self, store: SqlStore, connect: Callable[[], Any]
    ) -> None:
        mine = fresh(store.begin("k", 30))
        with closing(connect()) as agents:
            agents.execute("CREATE TABLE effects (id INTEGER)")
            agents.commit()
            agents.execute("INSERT INTO effects VALUES (1)")
            store.finish_within(agents, mine, b"r", 60)
            agents.rollback()  # a crash before the commit
            assert isinstance(store.begin("k", 30), InProgress)
            agents.execute("INSERT INTO effects VALUES (1)")
            store.finish_within(agents, mine, b"r", 60)
            agents.commit()
            assert store.begin("k", 30) == Handled(b"r")
            assert agents.execute("SELECT count(*) FROM effects").fetchone()[0] == 1

    def test_within_a_transaction__overtaken_it_is_refused_and_the_effect_rolls_back(
        self, store: SqlStore, connect: Callable[[], Any]
    ) -> None:
        mine = fresh(store.begin("k", self.short))
        until(
            lambda: not isinstance(store.begin("k", 30, owner="second"), InProgress), "the lease to run out"
        )
        with closing(connect()) as agents, pytest.raises(LeaseLostError):
            store.finish_within(agents, mine, b"r", 60)
        assert isinstance(store.begin("k", 30), InProgress)


@pytest.mark.parametrize(
    "store", [RedisStore("redis://127.0.0.1:1"), SqlStore(lambda: sqlite3.connect("/no/where"))]
)
def test_a_store_that_is_away_says_so(store: RedisStore | SqlStore) -> None:
    with pytest.raises(StoreUnavailableError, match="idempotency store"):
        store.begin("k", 30)
