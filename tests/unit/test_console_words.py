"""How values read on a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard import tallies, words

NOW = datetime(2026, 11, 20, 14, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (172_799, "47 h"),
        (172_800, "2 d"),
    ],
)
def test_a_span_of_time_has_one_unit(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(milliseconds=400), "now"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=-2), "in 2 h"),
        (timedelta(days=40), "2026-10-11"),
    ],
)
def test_a_moment_is_relative_until_it_is_far_away(distance: timedelta, said: str) -> None:
    assert words.relative(NOW - distance, NOW) == said


def test_an_exact_time_names_its_zone() -> None:
    assert words.exact(NOW) == "2026-11-20 14:03:12 UTC"


def test_a_long_id_keeps_both_ends_and_a_short_one_stays_whole() -> None:
    assert words.short_id("01936c2e-77d1-7c3a-9f8e-2b6a4d1e9f3a") == "01936c2e…9f3a"
    assert words.short_id("extract-0") == "extract-0"


def test_the_parts_of_a_bar_fill_it_exactly() -> None:
    parts = tallies.bar({"processed": 1, "failed_same": 1, "unknown": 1})
    assert [part.count for part in parts] == [1, 1, 1]
    assert parts[-1].start + parts[-1].width == pytest.approx(100, abs=0.01)


def test_a_bar_of_nothing_has_no_width() -> None:
    assert [part.width for part in tallies.bar({"processed": 0})] == [0]
