"""A run that was given so many minutes leaves what is late, says so, and begins with other tests each time."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from tests import run
from tests.support import in_time, inner_pytest

PLUGIN = """
from tests.support import in_time

def pytest_runtest_setup(item):
    in_time.leave_what_is_late(item.nodeid)
"""
WIDE, NARROW = "tests/browser/test_pages.py::test_a", "tests/unit/test_ids.py::test_a"


def test_without_minutes__nothing_is_late() -> None:
    assert not in_time.too_late(WIDE, {})
    assert not in_time.too_late(NARROW, {})


def test_the_wide_have_the_first_part_of_the_time() -> None:
    given = in_time.given(1, "")
    assert float(given[in_time.WIDE_UNTIL]) < float(given[in_time.UNTIL])
    over = given | {in_time.WIDE_UNTIL: str(time.time() - 1)}
    assert in_time.too_late(WIDE, over)
    assert not in_time.too_late(NARROW, over)


def test_the_wide_come_first_and_in_another_order_for_another_seed() -> None:
    files = [f"tests/browser/test_{name}.py::test_a" for name in ("topology", "agents", "messages", "alerts")]
    orders = {
        tuple(sorted(files, key=lambda file: in_time.place_of(file, in_time.given(1, str(seed)))))
        for seed in range(20)
    }
    assert len(orders) > 1
    assert in_time.place_of(WIDE, in_time.given(1, "a")) < in_time.place_of(NARROW, in_time.given(1, "a"))


def test_what_is_late_is_left_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PLUGIN)
    (tmp_path / "test_a.py").write_text("def test_it(): pass")
    done = inner_pytest.run(tmp_path, "-ra", **in_time.given(0, ""))
    assert f"test_a.py: {in_time.LEFT}" in done.stdout, done.stdout + done.stderr
    assert "1 skipped" in done.stdout


@pytest.mark.parametrize(
    ("total", "enough"),
    [
        (Counter(passed=10), True),
        (Counter(passed=6, left=4), True),
        (Counter(passed=4, left=6), False),
        (Counter(passed=9, failed=1), False),
        (Counter(skipped=3), False),
    ],
)
def test_a_run_that_left_most_has_not_shown_enough(total: Counter[str], enough: bool) -> None:
    assert run.shown_enough(total) is enough
