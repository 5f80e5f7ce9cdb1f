"""What clients may say, and what they get as an answer when they say something else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.live import frames, limits
from dashboard.live.frames import Close, MalformedError


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"type":"subscribe","topic":"processes"}', frames.Subscribe("processes")),
        ('{"type":"unsubscribe","topic":"processes"}', frames.Unsubscribe("processes")),
        ('{"type":"snapshot","topic":"processes"}', frames.Resnapshot("processes")),
        ('{"type":"ack","mark":"abc"}', frames.Ack("abc")),
    ],
)
def test_message_of_the_protocol__accepted(text: str, meant: frames.Message) -> None:
    assert frames.read(text) == meant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not understood"),
        ("[]", "array"),
        ('{"topic":"processes"}', "type"),
        ('{"type":"shout"}', "shout"),
        ('{"type":"subscribe"}', "topic"),
        ('{"type":"subscribe","topic":7}', "topic"),
        ('{"type":"subscribe","topic":"x","and":1}', "and"),
        ('{"type":"ack","mark":"\ud800"}', "not understood"),
    ],
)
def test_any_other_message__refused_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(MalformedError, match=says) as refused:
        frames.read(text)
    assert refused.value.code is Close.MALFORMED


def test_long_message__refused_as_too_large() -> None:
    with pytest.raises(MalformedError) as refused:
        frames.read('{"type":"subscribe","topic":"' + "x" * limits.MESSAGE_BYTES + '"}')
    assert refused.value.code is Close.TOO_LARGE


def test_binary_message__refused() -> None:
    with pytest.raises(MalformedError, match="Binary"):
        frames.read(None)


@given(st.text(max_size=200))
def test_arbitrary_text__refused_and_nothing_else(text: str) -> None:
    with pytest.raises(MalformedError):
        frames.read(text)


# ---- What is sent ----------------------------------------------------------------------------------------------
def _change(*rows: str) -> frames.Change:
    ops: list[frames.Op] = [frames.Put(f"row-{number}", {"text": text}) for number, text in enumerate(rows)]
    return frames.Change("board", "snapshot", None, 7, "2026-11-20T12:00:00.000Z", ops)


def test_short_change__one_frame_without_parts() -> None:
    (text,) = frames.texts(_change("a", "b"))
    assert "part" not in json.loads(text)


def test_long_change__parts_that_hold_every_row_in_order() -> None:
    texts = frames.texts(_change(*("x" * 100_000 for _ in range(10))))
    parts = [json.loads(text) for text in texts]
    assert all(len(text) < limits.FRAME_BYTES + 1000 for text in texts)
    assert [(part.get("part", 1), part["parts"]) for part in parts] == [(n, 5) for n in range(1, 6)]
    assert [op["id"] for part in parts for op in part["ops"]] == [f"row-{number}" for number in range(10)]


def test_row_larger_than_a_frame__refused_with_its_name() -> None:
    with pytest.raises(frames.RowTooLargeError, match="row-0"):
        frames.texts(_change("x" * limits.FRAME_BYTES))
