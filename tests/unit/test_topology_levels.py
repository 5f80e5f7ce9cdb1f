"""Any stretch of minutes is covered exactly, by few rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.topology.levels import LEVELS, cover


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_every_minute_is_covered_once_and_no_other(since: int, until: int) -> None:
    covered = [minute for stretch in cover(since, until) for minute in range(stretch.start, stretch.end)]
    assert covered == list(range(since, until))


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_stretches_lie_on_their_level(since: int, until: int) -> None:
    assert all(s.level in LEVELS and s.start % s.level == s.end % s.level == 0 for s in cover(since, until))


def test_a_day_takes_few_rows() -> None:
    rows = sum((stretch.end - stretch.start) // stretch.level for stretch in cover(1_007, 1_007 + 24 * 60))
    assert rows < 60
