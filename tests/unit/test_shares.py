"""Tests that share a running Postroom stay on one worker, whatever xdist and pytest make of each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import inner_pytest
from tests.support.shares import place_of, share_of

PLUGIN = """
from tests.support.shares import Shares

def pytest_xdist_make_scheduler(config, log):
    return Shares(config, log)
"""
TEST = """
import os, pytest

@pytest.mark.parametrize("number", range(12))
def test_where(number):
    with open(os.environ["WHERE"], "a") as file:
        print(__name__.rpartition(".")[2], os.environ["PYTEST_XDIST_WORKER"], file=file)
"""


@pytest.mark.parametrize(
    ("test", "share"),
    [
        ("tests/unit/test_ids.py::test_a[b::c]", "tests/unit/test_ids.py"),
        ("tests/browser/test_pages.py::test_a", "browser"),
        ("tests/browser/test_keys.py::test_b", "browser"),
        ("tests/browser/test_topology.py::test_b", "browser topology"),
        ("tests/acceptance/test_up_life.py::test_a", "up"),
        ("tests/acceptance/test_up_kills.py::test_a", "up"),
    ],
)
def test_a_share_is_a_file_or_the_files_that_start_the_same(test: str, share: str) -> None:
    assert share_of(test) == share


def test_what_takes_long_begins_first() -> None:
    tests = [
        "tests/unit/test_ids.py",
        "docs/test_a.py",
        "tests/contract/test_b.py",
        "tests/acceptance/test_up_a.py",
    ]
    assert sorted(tests, key=place_of)[:2] == ["tests/acceptance/test_up_a.py", "tests/contract/test_b.py"]


def test_each_file_runs_on_one_worker(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PLUGIN)
    for name in "ab":
        (tmp_path / f"test_{name}.py").write_text(TEST)
    where = tmp_path / "where"
    done = inner_pytest.run(tmp_path, "-q", "-n", "2", WHERE=str(where))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(where.read_text().splitlines()) == 24
    assert len(set(where.read_text().splitlines())) == 2
