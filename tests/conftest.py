"""What every test stands on: its own data directory, its own databases, its own Redis."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

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
# People are made by the hundred here, and a slow hash is slow on purpose. Processes that are started hash as users do.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# What a test writes goes with it: no commit waits for the disk. What outlives a crash is tested in houses of its own.
for database in settings.DATABASES.values():
    if pragmas := database["OPTIONS"].get("init_command"):
        database["OPTIONS"]["init_command"] = pragmas.replace("synchronous=FULL", "synchronous=OFF")
# A worker of xdist inherits our environment, and must not read the settings before its own turn here.
del os.environ["DJANGO_SETTINGS_MODULE"]

from agents.spans.services import store  # noqa: E402
from core.access import refused  # noqa: E402
from core.up import build  # noqa: E402
from tests.support import cleaning, in_time, servers, shares  # noqa: E402
from tests.support.server_fixtures import (  # noqa: E402, F401
    find,
    postgres_server,
    postgres_url,
    rabbitmq_program,
    rabbitmq_url,
    redis_server,
    redis_url,
    vhost,
)

cleaning.clean_in_our_way()


def pytest_configure(config: pytest.Config) -> None:
    """Told to end, pytest ends as it does on Ctrl-C: databases dropped, servers ended."""
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> shares.Shares:
    return shares.Shares(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The same order on every worker, or xdist runs nothing."""
    if hasattr(config, "workerinput") or in_time.UNTIL in os.environ:
        items.sort(key=lambda item: in_time.place_of(item.nodeid))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    in_time.leave_what_is_late(item.nodeid)


def pytest_unconfigure() -> None:
    isolation.end(FOLDER)


@pytest.fixture(autouse=True)
def no_late_refusals() -> Iterator[None]:
    """What a test had refused is counted for a minute, and must not be written into a later test's trail."""
    yield
    refused.LOG.forget()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The store of spans keeps connections of its own, from a page or a plan to the next: they go before the test
    databases do, which PostgreSQL drops for nobody who still looks on."""
    yield
    store().close()


@pytest.fixture(scope="session")
def built_pages() -> None:
    """What `make run` builds for the pages; nothing is done when it is there already."""
    build.main()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    return find("chromium", servers.chromium_program)
