"""The fixtures of real servers, for the tests of the server and of the library alike: nothing here knows Django."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

import pytest

from tests.support import servers

T = TypeVar("T")


def _missing(what: str, reason: str) -> NoReturn:
    """Skip by name, or fail when this machine was said to have it."""
    if what in os.environ.get("POSTROOM_TEST_REQUIRE", "").replace(" ", "").split(","):
        pytest.fail(f"{what} is required by POSTROOM_TEST_REQUIRE and missing: {reason}", pytrace=False)
    pytest.skip(f"needs {what}: {reason}")


def find(what: str, finder: Callable[[], T]) -> T:
    try:
        return finder()
    except servers.MissingError as problem:
        _missing(what, str(problem))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A private Redis for as long as this worker runs tests."""
    find("redis", servers.redis_program)
    with servers.redis_server() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The worker's private Redis, empty."""
    servers.empty_redis(redis_server)
    return redis_server


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """A PostgreSQL server on which databases can be made; {name} stands for the database."""
    return find("postgres", servers.postgres_server)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of this test's own, dropped afterwards."""
    with servers.postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_program() -> str:
    return find("rabbitmq", servers.rabbitmq_program)


@pytest.fixture
def rabbitmq_url(rabbitmq_program: str) -> Iterator[str]:
    """An empty virtual host of this test's own, removed afterwards."""
    with servers.rabbitmq_vhost(rabbitmq_program) as url:
        yield url


@pytest.fixture(scope="module")
def vhost(rabbitmq_program: str) -> Iterator[str]:
    """A virtual host for a whole file, where each test names queues of its own."""
    with servers.rabbitmq_vhost(rabbitmq_program) as url:
        yield url
