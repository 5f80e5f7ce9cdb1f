"""What a message loses and gains before it goes out again; everything else stays, byte for byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.operations.message import Message, is_canvas, is_of_celery
from agents.operations.options import Expiry
from agents.operations.renewal import (
    RENEWED_HEADERS,
    RENEWED_PROPERTIES,
    Redriven,
    is_expired,
    renewed,
)

# A busy machine makes examples slowly; how fast is not what is asked here.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LETTER = "01930000-0000-7000-8000-000000000001"
REDRIVE = Redriven(LETTER, 2, timedelta(hours=1))
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
OURS = {"postroom-redrive-id": f"{LETTER}:2", "postroom-redrive-count": 2}
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
plain = st.none() | st.booleans() | st.integers() | st.text()
CHANGED = {
    "retries",
    "expires",
    "postroom-deadline",
    "postroom-attempts",
    "postroom-sender-token",
    "task",
    *OURS,
}


def task(embed: Any = None, **headers: Any) -> Message:
    body = [[7], {"card": "good"}, {"callbacks": None, "chord": None} if embed is None else embed]
    return Message(json.dumps(body).encode(), {"task": "book", "id": "m-1", "retries": 3, **headers})


def first_protocol(**changes: Any) -> Message:
    body = {"task": "book", "id": "m-1", "args": [7], "kwargs": {}, "retries": 3, "expires": None, **changes}
    return Message(json.dumps(body).encode())


@PATIENT
@given(st.binary(), st.dictionaries(names.filter(lambda name: name not in CHANGED), plain))
def test_what_is_no_part_of_the_old_delivery__byte_for_byte(body: bytes, headers: dict[str, Any]) -> None:
    message = Message(body, {**headers, "task": "book"}, {"correlation_id": "c", "priority": 4})
    again = renewed(message, REDRIVE, Expiry.CLEAR)
    assert again.body == body
    assert again.headers == {**headers, "task": "book", **OURS}
    assert again.properties == message.properties


def test_tries_begin_anew_and_the_history_of_tries_is_not_carried_on() -> None:
    again = renewed(task(**{"postroom-attempts": "packed"}), REDRIVE, Expiry.CLEAR)
    assert again.headers["retries"] == 0
    assert "postroom-attempts" not in again.headers


@pytest.mark.parametrize(
    ("expiry", "expires", "expiration"),
    [
        (Expiry.CLEAR, None, None),
        (Expiry.SHIFT, "2026-11-26T13:00:00+00:00", "60000"),
        (Expiry.KEEP, "2026-11-26T12:00:00Z", "60000"),
    ],
)
@pytest.mark.parametrize("name", ["expires", "postroom-deadline"])
def test_deadline(name: str, expiry: Expiry, expires: str | None, expiration: str | None) -> None:
    message = task(**{name: "2026-11-26T12:00:00Z"})
    again = renewed(Message(message.body, message.headers, {"expiration": "60000"}), REDRIVE, expiry)
    assert again.headers[name] == expires
    assert again.properties.get("expiration") == expiration


def test_deadline_that_nobody_can_read__cleared_rather_than_shifted() -> None:
    assert renewed(task(expires="soon"), REDRIVE, Expiry.SHIFT).headers["expires"] is None


def test_the_first_protocol__its_tries_and_deadline_in_the_body() -> None:
    again = renewed(first_protocol(expires="2026-11-26T12:00:00"), REDRIVE, Expiry.SHIFT)
    body = json.loads(again.body)
    assert (body["retries"], body["expires"]) == (0, "2026-11-26T13:00:00+00:00")
    assert (body["task"], body["args"]) == ("book", [7])
    unchanged = first_protocol(retries=0)
    assert renewed(unchanged, REDRIVE, Expiry.CLEAR).body == unchanged.body


def test_authority__signed_last_for_what_goes_out__and_only_where_there_was_some() -> None:
    signed = renewed(
        task(**{"postroom-sender-token": "old"}),
        REDRIVE,
        Expiry.CLEAR,
        lambda message: str(dict(message.headers)),
    )
    assert "'postroom-redrive-count': 2" in signed.headers["postroom-sender-token"]
    assert "postroom-sender-token" not in renewed(task(), REDRIVE, Expiry.CLEAR, lambda _: "new").headers
    kept = renewed(task(**{"postroom-sender-token": "old"}), REDRIVE, Expiry.CLEAR, None)
    assert kept.headers["postroom-sender-token"] == "old"


@pytest.mark.parametrize(
    ("message", "expired"),
    [
        (task(), False),
        (task(expires="2026-11-26T11:59:59Z"), True),
        (task(expires="2026-11-26T12:00:01Z"), False),
        (task(**{"postroom-deadline": NOON.timestamp() - 1}), True),
        (first_protocol(expires="2026-11-26T11:00:00"), True),
        (task(expires="soon"), False),
    ],
)
def test_is_expired(message: Message, expired: bool) -> None:
    assert is_expired(message, NOON) is expired


@pytest.mark.parametrize(
    ("message", "canvas"),
    [
        (task(), False),
        (task({"chain": [{"task": "next"}]}), True),
        (task({"chord": {"task": "sum"}}), True),
        (task(group="g-1"), True),
        (first_protocol(), False),
        (first_protocol(taskset="g-1"), True),
        (Message(b"no json"), False),
        (Message(b'[1, 2, {"chain": ["x"]}]'), False),
    ],
)
def test_is_canvas(message: Message, canvas: bool) -> None:
    assert is_canvas(message) is canvas


def test_is_of_celery__by_either_protocol() -> None:
    assert is_of_celery(task())
    assert is_of_celery(first_protocol())
    assert not is_of_celery(Message(b'{"order": 7}'))


def test_another_program_says_by_expires_and_retries_what_it_wants() -> None:
    theirs = Message(
        b"{}", {"retries": 4, "expires": "2026-11-26T11:00:00", "postroom-deadline": "2026-11-26T11:00:00Z"}
    )
    again = renewed(theirs, REDRIVE, Expiry.CLEAR)
    assert (again.headers["retries"], again.headers["expires"]) == (4, "2026-11-26T11:00:00")
    assert again.headers["postroom-deadline"] is None
    orders = Message(
        b'{"task": "order", "id": 7, "retries": 3, "amount": 12}', content_type="application/json"
    )
    assert renewed(orders, REDRIVE, Expiry.CLEAR).body == orders.body


def test_everything_that_is_renewed_stands_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "operations.md").read_text(encoding="utf-8")
    missing = [name for name in {*RENEWED_HEADERS, *RENEWED_PROPERTIES} if f"`{name}`" not in guide]
    assert missing == []
