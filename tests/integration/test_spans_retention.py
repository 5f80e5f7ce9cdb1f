"""The store that the settings name loses whole days when their time is over, and nothing before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from agents.spans import services
from agents.spans.api import Batch, SpanStore
from core import clock, retention
from tests.support.telemetry import HOUR, SECOND, Maker

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
KEPT = timedelta(days=7)

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(databases=["default", "telemetry"])]


@pytest.fixture
def store() -> Iterator[SpanStore]:
    found = services.store()
    empty(found)
    yield found
    empty(found)


def empty(store: SpanStore) -> None:
    for part in store.days():
        if part.day:
            store.drop_day(part.day)
    store.drop_astray(datetime(2100, 1, 1, tzinfo=UTC))
    store.close()


def write(store: SpanStore, at: datetime, seed: int) -> None:
    moment = int(at.timestamp()) * SECOND
    store.write(Batch(tuple(Maker(seed).spans(24, moment - HOUR, moment))))


def test_retention_drops_days_that_are_over_as_a_whole(store: SpanStore) -> None:
    with clock.held(NOON):
        for ago in range(4):
            write(store, NOON - timedelta(days=ago), ago)
        write(store, NOON - timedelta(days=300), 99)
    with clock.held(NOON + KEPT):
        assert services.drop_expired() == 3 * 24
    assert [(part.day, part.spans) for part in store.days() if part.spans] == [(NOON.date(), 24), (None, 24)]
    with clock.held(NOON + KEPT + timedelta(hours=13)):
        assert services.drop_expired() == 48
        assert services.drop_expired() == 0
    assert store.stats().spans == 0


def test_the_retention_command_knows_the_store(store: SpanStore) -> None:
    assert "spans" in retention.rooms()
