"""What every test stands on: its own data directory, its own databases, its own Redis."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

import pytest

from tests.support import isolation

# Before Django reads its settings: nothing of this machine's own configuration, nothing of another run's.
FOLDER = isolation.begin()

import django  # noqa: E402
from django.conf import settings  # noqa: E402

assert not settings.configured, "Django's settings were read too early: unset DJANGO_SETTINGS_MODULE"
os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings"
django.setup()
# Pages are drawn without a build before them: static files under their own names.
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# A worker of xdist inherits our environment, and must not read the settings before its own turn here.
del os.environ["DJANGO_SETTINGS_MODULE"]

from core.up import build  # noqa: E402
from tests.support import append_only, servers  # noqa: E402

append_only.let_tests_clean_up()

T = TypeVar("T")


def pytest_configure(config: pytest.Config) -> None:
    """Told to end, pytest ends as it does on Ctrl-C: databases dropped, servers ended."""
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure() -> None:
    isolation.end(FOLDER)


def _missing(what: str, reason: str) -> NoReturn:
    """Skip by name, or fail when this machine was said to have it."""
    if what in os.environ.get("POSTROOM_TEST_REQUIRE", "").replace(" ", "").split(","):
        pytest.fail(f"{what} is required by POSTROOM_TEST_REQUIRE and missing: {reason}", pytrace=False)
    pytest.skip(f"needs {what}: {reason}")


def _find(what: str, finder: Callable[[], T]) -> T:
    try:
        return finder()
    except servers.MissingError as problem:
        _missing(what, str(problem))


@pytest.fixture(scope="session")
def built_pages() -> None:
    """What `make run` builds for the pages; nothing is done when it is there already."""
    build.main()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A private Redis for as long as this worker runs tests."""
    _find("redis", servers.redis_program)
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
    return _find("postgres", servers.postgres_server)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of this test's own, dropped afterwards."""
    with servers.postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_program() -> str:
    return _find("rabbitmq", servers.rabbitmq_program)


@pytest.fixture
def rabbitmq_url(rabbitmq_program: str) -> Iterator[str]:
    """An empty virtual host of this test's own, removed afterwards."""
    with servers.rabbitmq_vhost(rabbitmq_program) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    return _find("chromium", servers.chromium_program)
