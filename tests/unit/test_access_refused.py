"""A flood of refused credentials makes a few entries, and none of them is forgotten in the sum."""

from __future__ import annotations

import threading

from core.access.credentials import Shown, Why
from core.access.refused import MOST_KINDS, WINDOW_SECONDS, Refusal, RefusalLog, Window


def refusal(label: str = "prm_aaaaaaaa", source: str = "192.0.2.1") -> Refusal:
    return Refusal(Shown("token", label), source, Why.UNKNOWN)


def test_the_first_is_written_at_once_and_those_after_it_are_counted() -> None:
    window = Window()
    assert window.add(refusal(), 0.0) == refusal()
    assert [window.add(refusal(), 1.0) for _ in range(99)] == [None] * 99
    assert window.take_over(WINDOW_SECONDS - 1) == []
    assert window.take_over(WINDOW_SECONDS) == [(refusal(), 99)]


def test_another_source_is_another_kind() -> None:
    window = Window()
    window.add(refusal(), 0.0)
    assert window.add(refusal(source="192.0.2.2"), 0.0) == refusal(source="192.0.2.2")


def test_after_a_minute_the_first_is_written_again() -> None:
    window = Window()
    window.add(refusal(), 0.0)
    assert window.take_over(WINDOW_SECONDS) == []
    assert window.add(refusal(), WINDOW_SECONDS) == refusal()


def test_a_new_made_up_token_each_time_does_not_make_a_new_entry_each_time() -> None:
    window = Window()
    written = [window.add(refusal(f"prm_{number:08}"), 0.0) for number in range(10_000)]
    assert sum(each is not None for each in written) == MOST_KINDS + 1
    assert len(window.tallies) == MOST_KINDS + 1
    counted = sum(count for _, count in window.take_over(WINDOW_SECONDS))
    assert counted + MOST_KINDS + 1 == 10_000


def test_what_is_forgotten_is_not_written_later() -> None:
    written: list[Refusal] = []
    log = RefusalLog(lambda refusal, count: written.append(refusal))
    log.note(refusal())
    log.note(refusal())
    log.forget()
    log.flush(everything=True)
    assert written == [refusal()]
    # A timer that was cancelled ends by itself a moment later.
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    assert all(timer.finished.is_set() for timer in timers)
