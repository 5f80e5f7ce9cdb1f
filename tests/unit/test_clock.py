"""One clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from core import clock

MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


def test_the_time_is_in_utc() -> None:
    assert clock.now().tzinfo is UTC
    assert abs(clock.now().timestamp() - clock.unix()) < 5


def test_a_held_clock_stands_still_and_goes_on_afterwards() -> None:
    with clock.held(MOMENT):
        assert clock.now() == MOMENT
        assert clock.unix() == MOMENT.timestamp()
        with clock.held(MOMENT + timedelta(days=1)):
            assert clock.now() == MOMENT + timedelta(days=1)
        assert clock.now() == MOMENT
    assert clock.now() > MOMENT


def test_a_held_clock_goes_on_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), clock.held(MOMENT):
        _ = 1 / 0
    assert clock.now() != MOMENT


def test_measuring_is_never_held() -> None:
    with clock.held(MOMENT):
        before = clock.monotonic()
        assert clock.monotonic() >= before


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=45))])
def test_times_travel_in_utc_with_milliseconds(zone: timezone) -> None:
    assert clock.rfc3339(MOMENT.astimezone(zone)) == "2026-03-29T01:30:00.123Z"


def test_a_time_without_a_zone__refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        clock.rfc3339(MOMENT.replace(tzinfo=None))
