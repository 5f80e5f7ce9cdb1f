"""How often a topic is read, and how much a client may say."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.pace import Allowance, Pace


def _served(hints: list[float]) -> list[float]:
    """When each hint, or the hints that waited together, led to a reading."""
    pace, readings = Pace(rate=4), list[float]()
    for hint in sorted(hints):
        if readings and readings[-1] >= hint:
            continue
        at = hint + pace.wait(hint)
        pace.went(at)
        readings.append(at)
    return readings


def test_first_hint__read_at_once() -> None:
    assert _served([10.0]) == [10.0]


def test_hundred_hints_a_second__read_four_times_a_second() -> None:
    readings = _served([number / 100 for number in range(1000)])
    assert 40 <= len(readings) <= 42
    assert max(later - earlier for earlier, later in itertools.pairwise(readings)) <= 0.26


def test_source_that_ticks_at_the_rate_itself__never_falls_behind_for_long() -> None:
    late_once = [number * 0.25 + (0.1 if number == 8 else 0.001 * (number % 3)) for number in range(200)]
    delays = [at - hint for at, hint in zip(_served(late_once), late_once, strict=True)]
    assert max(delays) == 0


@given(st.lists(st.floats(0, 20), max_size=200))
def test_any_hints__at_most_four_a_second_over_any_longer_time(hints: list[float]) -> None:
    readings = _served(hints)
    for number, begin in enumerate(readings):
        for count, end in enumerate(readings[number:], 1):
            assert count <= 4 * (end - begin) + 1.5 + 1e-6


@given(st.lists(st.floats(0, 20), min_size=1, max_size=200))
def test_any_hints__each_is_followed_by_a_reading_within_half_a_second(hints: list[float]) -> None:
    readings = _served(hints)
    assert all(any(hint <= at <= hint + 0.5 for at in readings) for hint in hints)


def test_messages_in_a_burst__accepted_up_to_the_limit() -> None:
    allowance = Allowance(rate=10, at_once=5)
    allowance._left = 5
    assert [allowance.take(0.0) for _ in range(6)] == [True] * 5 + [False]


def test_messages_at_the_rate__accepted_for_ever() -> None:
    allowance = Allowance(rate=10, at_once=5)
    assert all(allowance.take(number / 10) for number in range(1000))
