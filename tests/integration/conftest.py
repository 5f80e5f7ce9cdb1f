"""What tests of several rooms begin with."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from tests.support.operations import Consumer


@pytest.fixture
def redis_in_use(redis_url: str, settings: Settings) -> None:
    """Postroom's own Redis, and its broker `main`, is the worker's."""
    settings.REDIS_URL = redis_url


@pytest.fixture
def consumer(redis_in_use: None, redis_url: str) -> Consumer:
    return Consumer(redis_url)
