"""Capture that cannot go on: the letters stay on the broker, it is said, and it goes on by itself."""

from __future__ import annotations

import json
import secrets
import uuid

import pytest
import redis
from django.db import connection
from pytest_django.fixtures import Settings

from agents.deadletters.models import Letter
from agents.deadletters.services.capture import Capture
from agents.deadletters.trouble import What
from agents.deadletters.watching import Capturing
from core.brokers.api import BrokerUrl
from core.leases import Lease
from core.watch import Turn
from tests.support import servers
from tests.support.broker_streams import Home
from tests.support.letters import letter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def turn() -> Turn:
    """One that is over, so that nobody rests."""
    made = Turn(Lease("watcher", 1, None, 0.0))  # type: ignore[arg-type]
    made.over.set()
    return made


@pytest.fixture
def home(redis_url: str, settings: Settings) -> Home:
    settings.REDIS_URL = redis_url
    return Home(BrokerUrl("main", redis_url), f"letters.{uuid.uuid4().hex[:8]}")


@pytest.fixture
def full_disk() -> None:
    """SQLite may not grow by a page."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite can be told that its disk is full")
    with connection.cursor() as cursor:
        # Room that earlier tests left would be used first.
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")


def left(home: Home) -> int:
    with redis.Redis.from_url(home.broker.url) as client:
        return int(client.xlen(home.name))


def send(home: Home, number: int) -> None:
    home.send(*[json.dumps(letter(secrets.token_bytes(20_000))).encode() for _ in range(number)])


def test_disk_full__nothing_leaves_the_broker_until_there_is_room(
    home: Home, turn: Turn, full_disk: None
) -> None:
    send(home, 20)
    capturing = Capturing(Capture(home.broker, home.name))
    capturing._step(turn)
    trouble = capturing._alarm.trouble
    assert trouble
    assert (trouble.what, "full" in trouble.sentence) == (What.CANNOT_COMMIT, True)
    assert (left(home), Letter.objects.count()) == (20, 0)
    # The limit was this connection's own, and capture has taken a new one.
    capturing._step(turn)
    assert (left(home), Letter.objects.count(), capturing._alarm.trouble) == (0, 20, None)


def test_broker_away__said_and_goes_on_when_it_is_back(
    redis_url: str, settings: Settings, turn: Turn
) -> None:
    settings.REDIS_URL = redis_url
    port = servers.free_port()
    broker = BrokerUrl("main", f"redis://127.0.0.1:{port}/0")
    capturing = Capturing(Capture(broker))
    capturing._step(turn)
    trouble = capturing._alarm.trouble
    assert trouble
    assert trouble.what is What.UNREACHABLE
    with servers.redis_server("--port", str(port)):
        send(Home(broker), 1)
        capturing._step(turn)
        assert capturing._alarm.trouble is None
        assert Letter.objects.count() == 1
