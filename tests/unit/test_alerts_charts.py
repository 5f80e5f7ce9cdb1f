"""What was measured against the threshold, as a drawing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dashboard.charts.alert_series import EDGE, HEIGHT, WIDTH, Measured, series

START = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)


def measured(*values: float | None) -> list[Measured]:
    return [Measured(START + timedelta(seconds=10 * at), value) for at, value in enumerate(values)]


def test_line_from_edge_to_edge_and_a_threshold_between() -> None:
    drawing = series(measured(0, 50, 100), 50)
    assert drawing
    (line,) = drawing.lines
    first, middle, last = (tuple(map(float, pair.split(","))) for pair in line.split())
    assert (first, last[0]) == ((EDGE, HEIGHT - EDGE), WIDTH - EDGE)
    assert middle[1] == drawing.threshold
    assert EDGE < last[1] < drawing.threshold
    assert drawing.last == last


def test_what_was_not_known__is_a_gap_and_no_line() -> None:
    drawing = series(measured(10, 20, None, None, 30), 5)
    assert drawing
    assert len(drawing.lines) == 2
    (gap,) = drawing.gaps
    assert gap.width == 3 * (WIDTH - 2 * EDGE) / 4


def test_unknown_now__the_gap_goes_to_the_end() -> None:
    drawing = series(measured(10, None, None), 5)
    assert drawing
    assert drawing.last is None
    assert drawing.gaps[0].x + drawing.gaps[0].width == WIDTH - EDGE


def test_nothing_measured__nothing_drawn() -> None:
    assert series([], 5) is None
    assert series(measured(None, None), 5) is None


def test_one_point_and_a_threshold_of_nothing__can_be_drawn() -> None:
    assert series(measured(0), 0)
