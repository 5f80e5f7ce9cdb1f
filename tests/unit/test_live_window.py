"""What a socket may have on its way: bounded, whatever the client does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.live import limits
from dashboard.live.window import Window


def test_unread_frames__end_at_the_window() -> None:
    window = Window(opened=0)
    sent = 0
    while window.has_room:
        window.sent(500)
        sent += 1
    assert sent == limits.WINDOW_FRAMES


def test_unread_bytes__end_at_the_window() -> None:
    window = Window(opened=0)
    while window.has_room:
        window.sent(100_000)
    assert window.bytes < limits.WINDOW_BYTES + 100_000


def test_full_window__wants_a_mark_that_can_open_it_again() -> None:
    window = Window(opened=0)
    window.mark(0)
    window.sent(limits.WINDOW_BYTES)
    assert not window.has_room
    assert window.wants_mark()
    word = window.mark(1)
    assert not window.wants_mark()
    assert window.ack(word)
    assert window.has_room


def test_one_frame_larger_than_the_window__goes_when_nothing_is_on_its_way() -> None:
    window = Window(opened=0)
    assert window.has_room
    window.sent(10 * limits.WINDOW_BYTES)
    assert not window.has_room


def test_acknowledging_a_later_mark__covers_the_earlier_ones() -> None:
    window = Window(opened=0)
    first = window.mark(0)
    window.sent(10)
    second = window.mark(1)
    assert window.ack(second)
    assert not window.is_dead(1000)
    assert not window.ack(first)


def test_mark_that_was_never_sent__refused() -> None:
    window = Window(opened=0)
    window.mark(0)
    assert not window.ack("000000000000")


def test_quiet_socket__is_pinged() -> None:
    window = Window(opened=100)
    assert not window.is_quiet(100 + limits.MARK_EVERY - 0.1)
    assert window.is_quiet(100 + limits.MARK_EVERY)


def test_silent_client__is_dead_after_the_timeout() -> None:
    window = Window(opened=0)
    window.mark(10)
    window.mark(20)
    assert not window.is_dead(10 + limits.MARK_TIMEOUT)
    assert window.is_dead(10 + limits.MARK_TIMEOUT + 0.1)


@given(
    st.lists(st.one_of(st.integers(1, 300_000), st.sampled_from(["mark", "ack", "ack oldest"])), max_size=300)
)
def test_whatever_happens__no_more_than_a_window_and_one_frame_is_unread(steps: list[int | str]) -> None:
    window, marks, unread = Window(opened=0), list[tuple[str, int]](), list[int]()
    for step in steps:
        if isinstance(step, int):
            if window.has_room:
                window.sent(step)
                unread.append(step)
        elif step == "mark":
            marks.append((window.mark(0), len(unread)))
        elif marks:
            index = 0 if step == "ack oldest" else len(marks) - 1
            word, read = marks[index]
            assert window.ack(word)
            unread = unread[read:]
            marks = [(later, upto - read) for later, upto in marks[index + 1 :]]
        assert len(unread) <= limits.WINDOW_FRAMES
        assert sum(unread[:-1]) < limits.WINDOW_BYTES
