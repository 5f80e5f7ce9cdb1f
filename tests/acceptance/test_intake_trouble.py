"""The database goes away and comes back: senders are told to come again, others are told of it, nothing is harmed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import redis
from psycopg import sql

from agents.intake.trouble import TABLE
from tests.support import otlp
from tests.support.intake_house import IntakeHouse
from tests.support.intake_senders import HEADERS, identities
from tests.support.waiting import until


@contextmanager
def gone(url: str) -> Iterator[None]:
    """Nobody can reach this database meanwhile."""
    name = urlsplit(url).path[1:]
    server = urlsplit(url)._replace(path="/postgres").geturl()
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def test_without_its_database_intake_says_so_and_harms_nothing(
    tmp_path: Path, redis_url: str, postgres_url: str
) -> None:
    house = IntakeHouse(tmp_path / "data", redis_url)
    house.environ["POSTROOM_TELEMETRY_DATABASE_URL"] = postgres_url
    house.run("manage.py", "migrate", "-v0")
    others = redis.Redis.from_url(redis_url)
    before, during = otlp.many(5, 1), otlp.many(5, 2)
    with house.intake() as intake, httpx.Client(base_url=intake.url, headers=house.authorization) as client:

        def status(request: object) -> int:
            content = request.SerializeToString()  # type: ignore[attr-defined]
            return client.post("/v1/traces", content=content, headers=HEADERS, timeout=60).status_code

        assert status(before) == 200
        with gone(postgres_url):
            answer = client.post(
                "/v1/traces", content=during.SerializeToString(), headers=HEADERS, timeout=60
            )
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert client.get("/readyz").status_code == 503
            until(lambda: others.hlen(TABLE), "the trouble to be told")
        until(lambda: status(during) == 200, "intake to commit again", 60)
        assert client.get("/readyz").status_code == 200
        until(lambda: not others.hlen(TABLE), "the trouble to be over")
    assert set(house.stored()) == identities(before) | identities(during)
