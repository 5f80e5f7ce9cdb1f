"""The engines that a contract is held against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.spans.block_store import BlockStore
from tests.support import servers, span_stores
from tests.support.span_stores import Home


@pytest.fixture(scope="session")
def postgres_spans(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A migrated database for this worker; each test finds it empty."""
    with servers.postgres_database(postgres_server) as address:
        yield span_stores.migrated(address, tmp_path_factory.mktemp("data"))


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """An empty place for a store, on one engine after the other."""
    if request.param == "sqlite":
        return Home("sqlite", str(tmp_path / "spans"))
    found: Home = request.getfixturevalue("postgres_spans")
    span_stores.empty(found)
    return found


@pytest.fixture
def store(home: Home) -> Iterator[BlockStore]:
    made = home.store()
    yield made
    made.close()
