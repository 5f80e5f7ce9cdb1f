"""The library's own decisions, each a function of values."""

from __future__ import annotations

import doctest
import random
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom import agent, attempts, backoff, errors, events, headers, message, moments
from postroom.backoff import Backoff
from postroom.errors import (
    ContradictionError,
    DeadlinePassedError,
    Failure,
    OutsideHandlerError,
    PermanentError,
    TransientError,
    UnauthorisedError,
    classify,
    failure_of,
    retry_after,
)
from postroom.runtime import decisions, outcomes, settling
from postroom.runtime.api import Outcome
from postroom.runtime.decisions import ACKNOWLEDGE, GIVE_UP, Decision, Desk
from postroom.runtime.opening import Raw
from postroom.runtime.opening import incoming as opened
from tests.support import library


@pytest.mark.parametrize("module", [agent, backoff, errors, message])
def test_what_the_docstrings_show_is_what_happens(module: Any) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


# ---- What kind of failure ----------------------------------------------------------------------------------------
class _AnswerError(Exception):
    def __init__(self, status: int, **said: str) -> None:
        super().__init__(f"status {status}")
        self.response = SimpleNamespace(
            status_code=status, headers={k.replace("_", "-"): v for k, v in said.items()}
        )


@pytest.mark.parametrize(
    ("error", "class_"),
    [
        (PermanentError(), "permanent"),
        (TransientError(), "transient"),
        (UnauthorisedError(), "permanent"),
        (DeadlinePassedError(), "permanent"),
        (ValueError(), "permanent"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, ""), "permanent"),
        (ConnectionResetError(), "transient"),
        (TimeoutError(), "transient"),
        (_AnswerError(503), "transient"),
        (_AnswerError(429), "transient"),
        (_AnswerError(404), "permanent"),
        (KeyError(), "unknown"),
        (RuntimeError(), "unknown"),
    ],
)
def test_what_everybody_means_the_same_by(error: Exception, class_: str) -> None:
    assert classify(error) == class_


def test_the_author_has_the_first_word() -> None:
    assert classify(ValueError(), transient=(ValueError,)) == "transient"
    assert classify(TimeoutError(), permanent=(TimeoutError,)) == "permanent"
    assert classify(TimeoutError(), classifier=lambda error: "unknown") == "unknown"
    assert classify(TimeoutError(), classifier=lambda error: None) == "transient"
    with pytest.raises(errors.ConfigurationError, match="permanent, transient, unknown"):
        classify(TimeoutError(), classifier=lambda error: "sometimes")


def test_retry_after_is_heard() -> None:
    assert retry_after(TransientError(retry_after=7)) == 7
    assert retry_after(_AnswerError(429, Retry_After="12")) == 12
    assert retry_after(_AnswerError(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")) == 0
    assert retry_after(_AnswerError(429, Retry_After="soon")) is None


def test_a_failure_is_bounded() -> None:
    try:
        raise ValueError("x" * 100_000)
    except ValueError as error:
        failure = failure_of(error, "permanent")
    assert len(failure.message) < 2_200
    assert len(failure.traceback) < 8_300


@given(st.integers(1, 200), st.floats(0.1, 10), st.floats(1, 1000), st.floats(0, 1))
def test_a_pause_doubles_up_to_its_cap_less_the_jitter(
    attempt: int, base: float, cap: float, jitter: float
) -> None:
    whole = min(cap, base * 2.0 ** min(attempt - 1, 60))
    assert (1 - jitter) * whole - 1e-6 <= Backoff(base, cap, jitter).after(attempt) <= whole + 1e-6


# ---- Attempts in a header ----------------------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=8_000), max_size=60), st.integers(0, 3))
def test_attempts_travel_within_what_rabbitmq_takes(tracebacks: list[str], redrive: int) -> None:
    made: Any = [{"number": number, "traceback": text} for number, text in enumerate(tracebacks, 1)]
    packed = attempts.pack(made, redrive)
    found = attempts.unpack(packed, redrive)
    assert len(packed) <= attempts.MOST_PACKED
    assert [each["number"] for each in found][-1:] == [len(made)][: len(made)]
    assert len(found) == min(len(made), attempts.MOST_KEPT)
    assert attempts.unpack(packed, redrive + 1) == []


@pytest.mark.parametrize("packed", [None, "", "!", "aGVsbG8=", 7, b"\xff", attempts.pack([])[:-3]])
def test_a_header_that_cannot_be_read_is_no_attempts(packed: object) -> None:
    assert attempts.unpack(packed) == []


def test_incompressible_tracebacks_lose_the_middle_first() -> None:
    noise = random.Random(1)  # noqa: S311 - no secret hangs on it
    made: Any = [
        {"number": n, "traceback": "".join(chr(noise.randrange(33, 126)) for _ in range(8_000))}
        for n in range(1, 21)
    ]
    found = attempts.unpack(attempts.pack(made))
    assert len(found) == 20
    assert found[0]["traceback"]
    assert found[-1]["traceback"]
    assert not found[10]["traceback"]


# ---- Opening -----------------------------------------------------------------------------------------------------
_ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers())
)


@given(
    st.dictionaries(st.sampled_from([*headers.ALL, "id", "task", "retries", "eta", "expires"]), _ANYTHING),
    st.binary(max_size=20) | st.text(max_size=20),
)
def test_whatever_headers_say_a_message_can_be_opened(said: dict[str, Any], body: bytes | str) -> None:
    came = opened(Raw("q", "1", "", False, said, {}, body, "", ""))
    assert came.attempt >= 1
    assert came.redrive >= 0
    assert isinstance(came.body, bytes)


def test_a_redrive_is_known_by_letter_and_number() -> None:
    came = opened(Raw("q", "1", "", False, {headers.REDRIVE_ID: "letter-1:3"}, {}, b"", "", ""))
    assert (came.redrive_id, came.redrive) == ("letter-1", 3)


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T00:01:00", 60.0),
        (60, 60.0),
        ("60", 60.0),
        ("soon", None),
        (True, None),
    ],
)
def test_a_deadline_is_a_moment_or_a_number(said: object, moment: float | None) -> None:
    assert moments.read(said) == moment


# ---- Outcomes ----------------------------------------------------------------------------------------------------
FAILED = Failure("transient", "exception", "TimeoutError", "late")


def test_the_last_attempt_gives_up() -> None:
    last = library.incoming("1", attempt=5)
    assert outcomes.of_failure(last, FAILED, Backoff(), 1.0).kind == events.DEAD
    assert (
        outcomes.of_failure(library.incoming("1", attempt=4), FAILED, Backoff(), 1.0).kind == events.RETRYING
    )


def test_what_would_come_back_after_its_deadline_gives_up_at_once() -> None:
    late = library.incoming("1", deadline=time.time() + 1)
    found = outcomes.of_failure(late, FAILED, Backoff(base=60, jitter=0), 1.0)
    assert found.failure
    assert (found.kind, found.failure.reason) == (events.DEAD, "deadline")


def test_a_retry_is_the_same_message_with_its_attempt_counted_up() -> None:
    came = library.incoming(
        "1", body=b"[[1],{},{}]", headers={"id": "1", "retries": 0, "eta": "x", "mine": 1}
    )
    settled = settling.settlement(
        library.about(), came, Outcome(events.RETRYING, FAILED, after=3), started=1.0
    )
    assert settled.retry
    said: Any = settled.retry.message
    assert (said["headers"]["retries"], said["headers"]["mine"], said["headers"]["eta"]) == (1, 1, None)
    assert attempts.unpack(said["headers"][headers.ATTEMPTS])[0]["number"] == 1
    assert settled.letter is None


def test_a_message_whose_turn_has_not_come_uses_up_no_attempt() -> None:
    came = library.incoming("1", headers={"retries": 2}, attempt=3)
    settled = settling.settlement(library.about(), came, Outcome(events.WAITING, after=3), started=1.0)
    assert settled.retry
    said: Any = settled.retry.message
    assert said["headers"]["retries"] == 2
    assert settled.events == ()


def test_what_was_delivered_before_says_so_after_it_went_back_to_its_queue() -> None:
    waiting = Outcome(events.WAITING, after=3)
    came = library.incoming("1", redelivered=True)
    settled = settling.settlement(library.about(), came, waiting, started=1.0)
    assert settled.retry
    said: Any = settled.retry.message
    raw = Raw("extract", "tag", "", False, said["headers"], {}, b"{}", "application/json", "utf-8")
    assert opened(raw).delivery.redelivered
    fresh = settling.settlement(library.about(), library.incoming("1"), waiting, started=1.0)
    assert fresh.retry
    assert headers.REDELIVERED not in cast("dict[str, Any]", fresh.retry.message["headers"])


# ---- Decisions ---------------------------------------------------------------------------------------------------
def test_a_decision_outside_a_handler__refused() -> None:
    with pytest.raises(OutsideHandlerError):
        decisions.decide("1", Decision(ACKNOWLEDGE))


def test_the_same_decision_twice_is_one_and_another_message_is_not_ours() -> None:
    desk = Desk(library.incoming("1"), 0.0)
    seat = decisions.sit_down(desk)
    try:
        decisions.decide("1", Decision(ACKNOWLEDGE))
        decisions.decide("1", Decision(ACKNOWLEDGE))
        with pytest.raises(ContradictionError, match="acknowledge, and then to send to the dead letters"):
            decisions.decide("1", Decision(GIVE_UP))
        with pytest.raises(OutsideHandlerError, match="cannot decide about 2"):
            decisions.decide("2", Decision(ACKNOWLEDGE))
    finally:
        decisions.get_up(seat)
    assert desk.decision == Decision(ACKNOWLEDGE)
