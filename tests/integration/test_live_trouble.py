"""Live when something is away or slow: Redis killed, a source that fails, clients that stop reading."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from core import clock
from dashboard.live import limits
from tests.support.live_client import LiveClient, client
from tests.support.live_house import LiveHouse, Web
from tests.support.live_redis import MortalRedis

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def redis(redis_server: str) -> Iterator[MortalRedis]:
    """Needs a Redis program, as the fixture that it asks for does; the server is its own."""
    mortal = MortalRedis()
    mortal.start()
    yield mortal
    mortal.remove()


@pytest.fixture(scope="module")
def house(redis: MortalRedis) -> Iterator[LiveHouse]:
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        place = LiveHouse(Path(folder) / "data", redis.url)
        yield place
        place.close()


@pytest.fixture(scope="module")
def web(house: LiveHouse) -> Iterator[Web]:
    with house.web() as web:
        yield web


@pytest.fixture(scope="module")
def viewer(house: LiveHouse) -> str:
    return house.token("viewer-of-all")


def _is_stale(reader: LiveClient) -> bool:
    return reader.fresh.get("board", {}).get("kind") == "stale"


async def test_redis_killed__stale_since_then_rows_go_on_and_live_again(
    house: LiveHouse, web: Web, viewer: str, redis: MortalRedis
) -> None:
    async with client(web.live, viewer) as reader:
        await reader.follow("board")
        await _hear_a_hint(house, reader)
        redis.kill()
        killed = clock.now()
        await reader.until(lambda: _is_stale(reader), "the word that it is stale", limits.DEAF_AFTER + 5)
        since = datetime.fromisoformat(reader.fresh["board"]["since"])
        assert -limits.PROBE_EVERY - 0.5 <= (since - killed).total_seconds() <= 0.5

        revision = house.board.put({"while": {"away": True}})
        await reader.until(lambda: reader.revision() == revision, "the rows", limits.RELOAD_WHEN_DEAF + 3)

        redis.start()
        await reader.until(lambda: reader.fresh["board"]["kind"] == "live", "live again")
        await _hear_a_hint(house, reader)


async def _hear_a_hint(house: LiveHouse, reader: LiveClient) -> None:
    """A change comes much sooner than a reload without a hint would bring it."""
    revision = house.board.put({"at": {"n": clock.unix()}})
    house.hint()
    await reader.until(lambda: reader.revision() == revision, "the hinted change", limits.RELOAD_EVERY / 2)


@contextmanager
def _taken_away(path: Path) -> Iterator[None]:
    aside = path.rename(path.with_suffix(".aside"))
    try:
        yield
    finally:
        aside.replace(path)


async def test_source_that_fails__stale_since_the_last_good_reading_and_live_again(
    house: LiveHouse, web: Web, viewer: str
) -> None:
    async with client(web.live, viewer) as reader:
        await reader.follow("board")
        await _hear_a_hint(house, reader)
        with _taken_away(house.board.path):
            await asyncio.to_thread(house.hint)
            await reader.until(lambda: _is_stale(reader), "the word that it is stale")
            since = datetime.fromisoformat(reader.fresh["board"]["since"])
            assert (clock.now() - since).total_seconds() <= limits.RELOAD_EVERY + 2
            assert reader.rows(), "what was there stays on the page"
        await reader.until(lambda: reader.fresh["board"]["kind"] == "live", "live again")


async def test_clients_that_stop_reading__do_not_grow_the_process_and_are_closed(
    house: LiveHouse, web: Web, viewer: str
) -> None:
    """Each asks for ninety snapshots of a megabyte and reads none: 1.8 GB if they were buffered."""
    tokens = [house.token(f"slow-{number}") for number in range(20)]
    house.board.put(_large("x"))
    async with client(web.live, viewer) as healthy:
        await healthy.follow("board")
        before, open_before = web.resident_bytes(), web.open_files()
        async with AsyncExitStack() as stack:
            for token in tokens:
                await stack.enter_async_context(_unread(web, token))
            for number in range(8):
                revision = house.board.put(_large(f"{number}"))
                house.hint()
                await healthy.until(partial(_has, healthy, revision), "the change")
            grown = web.resident_bytes() - before
            assert grown < 100 * MEGABYTE, f"grew by {grown / MEGABYTE:.0f} MB"
            assert web.open_files() >= open_before + len(tokens)
            patience = limits.MARK_EVERY + limits.MARK_TIMEOUT + 15
            await healthy.until(
                lambda: web.open_files() <= open_before, "the slow ones to be closed", patience
            )
    house.board.drop(*_large("x"))


@asynccontextmanager
async def _unread(web: Web, token: str) -> AsyncIterator[None]:
    """A connection that asks as often as it may and takes nothing from the network."""
    async with connect(
        web.live, additional_headers={"Authorization": token}, ping_interval=None, close_timeout=0
    ) as connection:
        connection.transport.pause_reading()
        for _ in range(limits.MESSAGES_AT_ONCE - 10):
            await connection.send(json.dumps({"type": "subscribe", "topic": "board"}))
        yield


def _large(letter: str) -> dict[str, dict[str, str]]:
    """A megabyte in eight rows."""
    return {f"large-{number}": {"text": letter * (MEGABYTE // 8)} for number in range(8)}


def _has(reader: LiveClient, revision: int) -> bool:
    return reader.revision() == revision
