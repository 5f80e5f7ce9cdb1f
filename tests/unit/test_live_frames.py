"""What clients may say, and what they get as an answer when they say something else."""

from __future__ import annotations

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
