"""What is usual for a queue is learned from minutes in which nothing was stuck."""

from __future__ import annotations

from agents.queues import tallies
from agents.queues.stuck import patience
from agents.queues.stuck.memory import calm
from agents.queues.values import Point, Tally

SECOND = 1_000_000_000


def minute(number: int, wait_s: float, messages: int = 30) -> Point:
    tally = Tally(samples=12, counted_s=60, entered=messages, left=messages)
    for _ in range(messages):
        tally.wait.add(int(wait_s * SECOND))
        tally.work.add(SECOND // 20)
    return Point(number, 1, tally)


def wait_limit(points: list[Point], *held_up: range) -> float:
    whole = tallies.merged(point.tally for point in calm(points, held_up))
    return patience.of("q", tallies.times(whole)).wait_s


QUIET, OUTAGE = (
    [minute(number, 0.1) for number in range(20)],
    [minute(number, 30) for number in range(20, 24)],
)


def test_an_outage_teaches_nothing() -> None:
    assert wait_limit(QUIET + OUTAGE, range(20, 24)) == patience.LEAST_WAIT_S


def test_without_one__what_waits_long_is_usual() -> None:
    assert wait_limit(QUIET + OUTAGE) > 60


def test_what_lasts_for_most_of_the_hour_is_usual_by_now() -> None:
    slow = [minute(number, 30) for number in range(20, 60)]
    assert wait_limit(QUIET + slow, range(20, 60)) > 60


def test_a_queue_that_was_stuck_for_most_of_its_first_minutes__learned_from_the_others() -> None:
    young = [minute(number, 0.1) for number in range(2)] + [minute(number, 30) for number in range(2, 5)]
    assert wait_limit(young, range(2, 5)) == patience.LEAST_WAIT_S


def test_too_few_messages_outside_of_it__all_of_them_count() -> None:
    few = [minute(number, 0.1, messages=1) for number in range(10)]
    assert calm(few + OUTAGE, [range(20, 24)]) == few + OUTAGE
