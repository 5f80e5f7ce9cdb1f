"""From what is measured to how an alert stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from agents.alerts.evaluation import step
from agents.alerts.values import Hours, Reading, Spot, Standing, State, Terms

START = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
FIVE = timedelta(seconds=5)
SPOT = Spot(queue="orders")
TERMS = Terms(10, hold=timedelta(seconds=20), rest=timedelta(seconds=10))


def told(values: Sequence[float | None], terms: Terms = TERMS, every: timedelta = FIVE) -> list[str]:
    """The state after each measurement."""
    standing: Standing | None = None
    states = []
    for at, value in enumerate(values):
        standing = step(terms, standing, Reading(SPOT, value), START + at * every)
        states.append(str(standing.state) if standing else "-")
        standing = None if standing and standing.state is State.CLEARED else standing
    return states


def test_it_fires_once_it_has_held_long_enough() -> None:
    assert told([9, 10, 11, 12, 13, 14]) == ["-", *["pending"] * 4, "firing"]


def test_a_rule_that_need_not_hold__fires_at_once() -> None:
    assert told([10], Terms(10)) == ["firing"]


def test_a_dip_while_pending__clears_and_begins_anew() -> None:
    assert told([10, 10, 9, 10]) == ["pending", "pending", "cleared", "pending"]


def test_it_clears_when_it_was_quiet_long_enough() -> None:
    assert told([10] * 5 + [9, 9, 9])[-4:] == ["firing", "firing", "firing", "cleared"]


def test_it_does_not_flap_on_a_short_dip() -> None:
    assert told([10] * 5 + [9, 9, 10, 9, 9])[4:] == ["firing"] * 6


def test_an_unknown_neither_fires_nor_clears() -> None:
    assert told([None, 10, None, None, None, None, None, None]) == ["-", *["pending"] * 7]
    assert told([10] * 5 + [None] * 10)[-1] == "firing"


def test_an_unknown_time_does_not_count() -> None:
    assert told([10, 10, *[None] * 20, 10, 10, 10, 10]) == [*["pending"] * 25, "firing"]
    assert told([10] * 5 + [9, *[None] * 20, 9, 9])[-3:] == ["firing", "firing", "firing"]


def test_a_time_in_which_nobody_looked_does_not_count() -> None:
    standing = Standing(State.PENDING, START, START)
    later = step(TERMS, standing, Reading(SPOT, 11), START + timedelta(hours=1))
    assert later is not None
    assert later.state is State.PENDING


def test_what_is_gone__is_over() -> None:
    standing = Standing(State.FIRING, START, START + FIVE, quiet_since=START)
    after = step(TERMS, standing, None, START + timedelta(seconds=11))
    assert after is not None
    assert after.state is State.CLEARED


def test_what_somebody_has__stays_theirs_until_it_is_over() -> None:
    standing = Standing(State.ACKNOWLEDGED, START, START)
    after = step(TERMS, standing, Reading(SPOT, 50), START + FIVE)
    assert after is not None
    assert after.state is State.ACKNOWLEDGED


def test_outside_its_hours__nothing_begins_and_what_fires_goes_on() -> None:
    closed = Terms(10, hold=timedelta(seconds=20), counts=False)
    assert step(closed, None, Reading(SPOT, 50), START) is None
    pending = step(closed, Standing(State.PENDING, START, START), Reading(SPOT, 50), START + FIVE)
    firing = step(closed, Standing(State.FIRING, START, START), Reading(SPOT, 50), START + FIVE)
    assert pending is not None
    assert pending.state is State.CLEARED
    assert firing is not None
    assert firing.state is State.FIRING


def test_hours() -> None:
    office = Hours(frozenset(range(5)), time(9), time(17), "Europe/Berlin")
    assert office.count_at(datetime(2026, 11, 26, 8, 30, tzinfo=UTC))
    assert not office.count_at(datetime(2026, 11, 26, 7, 30, tzinfo=UTC))
    assert not office.count_at(datetime(2026, 11, 28, 10, 0, tzinfo=UTC))


def test_hours_over_midnight_belong_to_the_day_on_which_they_began() -> None:
    friday_night = Hours(frozenset({4}), time(22), time(6))
    assert friday_night.count_at(datetime(2026, 11, 28, 5, 0, tzinfo=UTC))
    assert not friday_night.count_at(datetime(2026, 11, 27, 5, 0, tzinfo=UTC))
    assert friday_night.count_at(datetime(2026, 11, 27, 23, 0, tzinfo=UTC))


def test_no_hours__always() -> None:
    assert Hours().count_at(START)
