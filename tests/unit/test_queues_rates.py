"""How fast a queue fills and empties: in less out is growth, and what is not known is not said."""

from __future__ import annotations

import pytest

from agents.queues import tallies
from agents.queues.rates import Outlook, Rates, Sample, Window, outlook
from agents.queues.staff import staff_of
from agents.queues.values import Tally, Worker
from agents.topology.sketch import Sketch
from core import clock


def rates_of(*samples: Sample) -> Rates:
    window = Window()
    for each in samples:
        window.add(each)
    return window.rates()


def test_one_sample__says_nothing() -> None:
    assert rates_of(Sample(0, 10)) == Rates()


def test_nobody_counts__only_growth_is_known() -> None:
    assert rates_of(Sample(0, 10), Sample(10, 40)) == Rates(growth=3.0)


def test_what_left_is_counted__what_came_follows() -> None:
    assert rates_of(Sample(0, 10, left=0), Sample(10, 40, left=20)) == Rates(5.0, 2.0, 3.0)


def test_what_came_is_counted__what_left_follows() -> None:
    assert rates_of(Sample(0, 40, entered=0), Sample(10, 10, entered=20)) == Rates(2.0, 5.0, -3.0)


def test_both_are_counted__both_are_taken() -> None:
    assert rates_of(Sample(0, 0, 5, 5), Sample(10, 0, 25, 25)) == Rates(2.0, 2.0, 0.0)


def test_a_broker_that_was_started_again__counts_anew() -> None:
    found = rates_of(Sample(0, 0, 500, 500), Sample(5, 0, 3, 3), Sample(15, 0, 13, 13))
    assert found == Rates(1.0, 1.0, 0.0)


def test_after_a_long_silence__begins_anew() -> None:
    assert rates_of(Sample(0, 0, left=0), Sample(300, 900, left=0)) == Rates()


def test_follows_the_last_half_minute() -> None:
    burst = [Sample(at, 1000, left=at * 10) for at in range(0, 31, 5)]
    calm = [Sample(at, 1000, left=300) for at in range(35, 71, 5)]
    assert rates_of(*burst).left == 10.0
    assert rates_of(*burst, *calm).left == 0.0


def test_events_that_arrive_late__no_negative_rate() -> None:
    found = rates_of(Sample(0, 10, left=0), Sample(5, 0, left=0))
    assert found.entered == 0.0


@pytest.mark.parametrize(
    ("waiting", "growth", "expected"),
    [
        (240, -1.0, Outlook("draining", 240.0, -1.0)),
        (240, 12.0, Outlook("growing", None, 12.0)),
        (240, 0.0, Outlook("steady", None, 0.0)),
        (0, 0.0, Outlook("empty", 0.0, 0.0)),
        # A few come and go: a queue that stands as steady or empty is not said to grow.
        (5, 0.2, Outlook("steady", None, 0.2)),
        (0, 0.2, Outlook("empty", 0.0, 0.2)),
        (240, None, Outlook("unknown")),
    ],
)
def test_outlook(waiting: int, growth: float | None, expected: Outlook) -> None:
    assert outlook(waiting, growth) == expected


# ---- Tallies ---------------------------------------------------------------------------------------------------


def tally(depth: int, **more: object) -> Tally:
    return Tally(1, depth, depth, depth, depth, **more)  # type: ignore[arg-type]


def test_tallies__add_up() -> None:
    whole = tallies.merged([tally(5, age_max=3.0), tally(0), tally(7, entered=2.0, counted_s=5.0)])
    assert (whole.samples, whole.depth_min, whole.depth_max, whole.depth_last) == (3, 0, 7, 7)
    assert (whole.depth_sum, whole.age_max, whole.entered, whole.counted_s) == (12, 3.0, 2.0, 5.0)


def test_tallies__unknown_consumers_do_not_count() -> None:
    whole = tallies.merged([tally(0), tally(0, consumers_min=2, consumers_max=2), tally(0)])
    assert (whole.consumers_min, whole.consumers_max) == (2, 2)


def test_tallies__in_two_steps_as_in_one() -> None:
    parts = [tally(depth, wait=Sketch({depth: 1})) for depth in (3, 9, 1, 4)]
    halves = [tallies.merged(parts[:2]), tallies.merged(parts[2:])]
    assert tallies.merged(halves) == tallies.merged(parts)


# ---- Who consumes ----------------------------------------------------------------------------------------------


def worker(name: str, ago: float, pool: str = "prefork") -> Worker:
    from datetime import timedelta

    return Worker("main", name, ("extract",), 2, pool, (), clock.now() - timedelta(seconds=ago))


def consumers(*workers: Worker, asked: bool = True, busy: bool = False) -> int | None:
    return staff_of(workers, clock.now(), asked=asked).consumers("extract", busy=busy)


def test_consumers__those_that_answer() -> None:
    assert consumers(worker("a", 1), worker("b", 2), worker("gone", 60)) == 2


def test_consumers__nobody_answers__none_there() -> None:
    assert consumers(worker("gone", 60)) == 0
    assert consumers() == 0


def test_consumers__nobody_was_asked__not_known() -> None:
    assert consumers(asked=False) is None


def test_consumers__a_worker_in_one_thread_is_silent__not_known() -> None:
    assert consumers(worker("alone", 60, "solo")) is None
    assert consumers(worker("alone", 5000, "solo")) == 0


def test_consumers__messages_leave__somebody_takes_them() -> None:
    assert consumers(busy=True) is None
