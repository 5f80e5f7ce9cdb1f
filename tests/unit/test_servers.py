"""What tests stand on stands."""

from __future__ import annotations

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from kombu import Connection

from tests.support import isolation


def test_redis_is_private_and_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        assert client.config_get("port") == {"port": "0"}


def test_postgres_database_is_our_own_and_empty(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as database:
        (tables,) = database.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchone() or (None,)
    assert tables == 0


def test_rabbitmq_virtual_host_is_our_own(rabbitmq_url: str) -> None:
    with Connection(rabbitmq_url) as broker:
        queue = broker.SimpleQueue("probe")
        queue.put({"hello": "there"})
        assert queue.get(timeout=10).payload == {"hello": "there"}


@pytest.mark.both_databases
@pytest.mark.django_db
def test_the_test_database_is_this_runs_own() -> None:
    connection.ensure_connection()
    name = str(connection.settings_dict["NAME"])
    assert isolation.RUN in name or str(settings.DATA.root) in name


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (
            "postgresql://u:p@h:5432/live?sslmode=require",
            f"postgresql://u:p@h:5432/postroom_{isolation.RUN}?sslmode=require",
        ),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
    ],
)
def test_a_run_never_uses_the_database_that_it_is_pointed_at(given: str, made: str) -> None:
    assert isolation.own_database(given) == made
