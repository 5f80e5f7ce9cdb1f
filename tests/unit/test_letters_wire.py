"""A letter as it travels: what is read, what is cut, and what is said of a wrong one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deadletters import wire
from agents.deadletters.values import FailureClass, Origin, Reason
from agents.deadletters.wire import MALFORMED, MalformedError
from core.brokers.api import Delivery
from tests.support.letters import MAIN, arrival, letter, raw


def test_whole_letter__read() -> None:
    found = arrival(body=b"\0\xff")
    assert (found.agent, found.queue, found.version) == ("extract", "extract", "1.8.2")
    assert (found.failure.cls, found.failure.reason) == (FailureClass.PERMANENT, Reason.EXCEPTION)
    assert found.contents.body == b"\0\xff"
    assert found.contents.attempts[0]["number"] == 1
    assert found.died_at.utcoffset() is not None


def test_only_what_is_needed__accepted() -> None:
    needed = {name: letter()[name] for name in ("death_id", "died_at", "queue", "body")}
    found = wire.of_data(needed | {"failure": {"reason": "expired"}}, MAIN)
    assert (found.broker, found.failure.cls, found.message_id) == ("main", FailureClass.UNKNOWN, "")


def test_off_a_broker__it_is_that_brokers_whatever_the_agent_calls_it() -> None:
    rabbit = Origin("rabbit", "postroom.letters", "session-1")
    assert wire.of_data(letter(broker="main"), rabbit).broker == "rabbit"
    assert wire.of_data(letter(broker="main"), Origin()).broker == "main"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("death_id", None),
        ("death_id", "not one"),
        ("died_at", ""),
        ("died_at", "yesterday"),
        ("queue", ""),
        ("queue", {}),
        ("failure", None),
        ("failure.reason", {"reason": "boredom"}),
        ("failure.class", {"reason": "exception", "class": "odd"}),
        ("body", None),
        ("body", "not base64!"),
        ("headers", []),
        ("attempts", "none"),
        ("attempts", [1]),
        ("redrive", 7),
        ("redrive.letter_id", {"letter_id": "x"}),
        ("redrive.number", {"letter_id": str(arrival().death_id), "number": -1}),
    ],
)
def test_wrong_field__named(field: str, value: Any) -> None:
    with pytest.raises(MalformedError) as caught:
        wire.of_data(letter() | {field.partition(".")[0]: value}, MAIN)
    assert caught.value.field == field


def test_long_texts__cut_and_never_refused() -> None:
    attempts = [{"number": n, "traceback": "x" * 100_000 + "the end"} for n in range(200)]
    found = arrival(
        agent="a" * 1_000, attempts=attempts, failure={"reason": "exception", "message": "m" * 9_000}
    )
    assert (len(found.agent), len(found.failure.message)) == (wire.NAME, wire.SENTENCE)
    assert len(found.contents.attempts) == wire.MOST_ATTEMPTS
    assert found.contents.attempts[-1]["number"] == 199
    assert found.contents.attempts[-1]["traceback"].endswith("the end")


def test_nul_and_halves_of_characters__replaced() -> None:
    found = arrival(agent="a\0b", queue="q\ud800")
    assert "\0" not in found.agent
    found.queue.encode()


@given(
    st.binary(max_size=300)
    | st.builds(
        lambda value: json.dumps(value).encode(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*letter()]) | st.text(), inner),
            max_leaves=10,
        ),
    )
)
def test_whatever_comes_off_a_broker__is_a_letter(body: bytes) -> None:
    found = wire.of_delivery(Delivery("1", body), MAIN)
    if found.failure.type == MALFORMED:
        assert found.contents.body == body
        assert found.digest
        assert isinstance(found.died_at, datetime)


def test_malformed_entry_with_a_number__same_death_each_time() -> None:
    first, again, other = (wire.of_delivery(Delivery("1", b"{", id=id), MAIN) for id in ("1-0", "1-0", "2-0"))
    assert first.death_id == again.death_id != other.death_id
    assert not first.digest
    assert "is not JSON" in first.failure.message


def test_headers_that_json_does_not_know__kept_as_what_they_are() -> None:
    headers = {"x-death": [{"time": datetime(2026, 11, 26, tzinfo=UTC)}], "raw": b"\xff"}
    found = wire.of_delivery(Delivery("1", b"no", headers=headers), MAIN)
    assert found.contents.headers == {
        "x-death": [{"time": {"$time": "2026-11-26T00:00:00Z"}}],
        "raw": {"$bytes": "/w=="},
    }


def test_good_one_off_a_broker__needs_no_digest() -> None:
    assert wire.of_delivery(Delivery("1", raw(), redelivered=True), MAIN).digest == ""
