"""Events as they travel: what is an event, and what is wrong with what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from agents.ledger import reading
from agents.ledger.observed import Attempts, event, heartbeat
from agents.ledger.reading import Fault
from agents.ledger.values import Event, Kind

GOOD = {"id": "1", "kind": "sent", "at": "2026-11-26T14:03:12.123456Z", "message_id": "m"}


def read(**changes: object) -> Event | Fault:
    return reading.read(msgspec.json.encode(GOOD | changes))


def test_absent_null_and_empty_are_the_same() -> None:
    assert read() == read(due=None, deadline="", agent="", error={}, error_code=None, attempt=None)


def test_a_time_without_a_zone_is_utc() -> None:
    found = read(at="2026-11-26T14:03:12")
    assert isinstance(found, Event)
    assert found.at == datetime(2026, 11, 26, 14, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "vanished"}, "kind"),
        ({"at": "yesterday"}, "at"),
        ({"at": "1066-10-14T09:00:00Z"}, "at"),
        ({"message_id": ""}, "message_id"),
        ({"message_id": "m" * 301}, "message_id"),
        ({"attempt": -1}, "attempt"),
        ({"duration_ms": "long"}, "duration_ms"),
        ({"error": {"type": 7}}, "error.type"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, object], field: str) -> None:
    found = read(**changes)
    assert isinstance(found, Fault)
    assert (found.field, bool(found.detail)) == (field, True)


def test_what_no_database_stores_is_replaced_and_what_is_too_long_is_cut() -> None:
    found = read(error={"message": "a\0b" + "x" * 9_000})
    assert isinstance(found, Event)
    assert found.error
    assert found.error.message.startswith("a\ufffdb")
    assert len(found.error.message) == reading.MOST_MESSAGE


def test_celery_names_the_attempt_once__and_it_is_remembered() -> None:
    attempts, said = Attempts(), {"uuid": "t", "hostname": "books@here", "timestamp": 1_795_000_000.0}
    received = event(said | {"type": "task-received", "name": "shop.book", "retries": 2}, "shop", attempts)
    failed = event(
        said | {"type": "task-failed", "exception": "ValueError('card refused')"}, "shop", attempts
    )
    assert received
    assert failed
    assert (received.attempt, failed.attempt, failed.kind) == (3, 3, Kind.DEAD)
    assert failed.error
    assert (failed.error.type, failed.error.message) == ("ValueError", "card refused")
    assert event(said | {"type": "task-failed", "uuid": 7}, "shop", attempts) is None
    assert event(said | {"type": "worker-heartbeat"}, "shop", attempts) is None


def test_a_worker_that_says_goodbye_stops() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    beat = heartbeat({"type": "worker-offline", "hostname": "books@here"}, "default", now)
    assert beat
    assert (beat.agent_id, beat.instance_id, beat.status) == ("books", "books@here", "stopping")
