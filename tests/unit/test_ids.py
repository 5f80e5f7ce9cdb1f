"""Ids sort by the time they were made."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import ids

MANY = 20_000


def milliseconds(value: uuid.UUID) -> int:
    return value.int >> 80


def test_an_id_is_a_uuid_of_version_7() -> None:
    value = ids.new()
    assert value.version == 7
    assert value.variant == uuid.RFC_4122


def test_an_id_carries_the_time_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = milliseconds(ids.new())
    # The order runs ahead of the clock by a fraction of a millisecond at most per id made within it.
    assert before - 1 <= made <= time.time_ns() // 1_000_000 + 10


def test_ids_made_one_after_the_other_sort_in_that_order() -> None:
    made = [ids.new() for _ in range(MANY)]
    assert made == sorted(made)
    assert [str(each) for each in made] == sorted(str(each) for each in made)


def test_ids_made_by_many_threads_differ_and_each_thread_sees_its_own_in_order() -> None:
    def make(_: int) -> list[uuid.UUID]:
        return [ids.new() for _ in range(MANY // 8)]

    with ThreadPoolExecutor(8) as threads:
        lists = list(threads.map(make, range(8)))
    assert all(each == sorted(each) for each in lists)
    assert len({value for each in lists for value in each}) == MANY


def test_a_clock_that_goes_back_does_not_break_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids.new()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert first < ids.new() < ids.new()
