"""The search language reads what people write, and says where it cannot."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.spans.api import Condition, Op, Query
from agents.spans.language import QueryRefusedError, parse_logs, parse_spans
from agents.spans.words import LOG_WORDS, SPAN_WORDS

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
HOUR = 3_600 * 10**9


def test_the_example_of_the_manual() -> None:
    text = 'agent:extract status:error duration:>2s queue:pay* error.type:Timeout "free text" since:1h http.route=/x'
    assert parse_spans(text, NOW) == Query(
        (
            Condition("agent", Op.IS, "extract"),
            Condition("status", Op.IS, 2),
            Condition("duration", Op.MORE, 2 * 10**9),
            Condition("queue", Op.LIKE, "pay*"),
            Condition("error_type", Op.IS, "Timeout"),
            Condition("http.route", Op.IS, "/x", attribute=True),
        ),
        ("free text",),
        since=NOW_NS - HOUR,
    )


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("-agent:extract", Condition("agent", Op.IS_NOT, "extract")),
        ('agent:"a b"', Condition("agent", Op.IS, "a b")),
        ('agent:"a*"', Condition("agent", Op.IS, "a*")),
        (r'agent:"say \"hi\""', Condition("agent", Op.IS, 'say "hi"')),
        ("queue:*", Condition("queue", Op.HAS)),
        ("kind:consumer", Condition("kind", Op.IS, 5)),
        ("status:2", Condition("status", Op.IS, 2)),
        ("duration:<=1.5ms", Condition("duration", Op.AT_MOST, 1_500_000)),
        ("-duration:>1s", Condition("duration", Op.AT_MOST, 10**9)),
        ("tokens.in:>=1000", Condition("input_tokens", Op.AT_LEAST, 1000)),
        ("trace:ABCDEF", Condition("trace_id", Op.IS, "abcdef")),
        ("http.status_code>=500", Condition("http.status_code", Op.AT_LEAST, 500, attribute=True)),
        ("order.id!=o-1", Condition("order.id", Op.IS_NOT, "o-1", attribute=True)),
        ("-order.id=o-1", Condition("order.id", Op.IS_NOT, "o-1", attribute=True)),
        ("url=http://a/b?c=d", Condition("url", Op.IS, "http://a/b?c=d", attribute=True)),
        ("order.id=*", Condition("order.id", Op.HAS, attribute=True)),
        ("order.id=o-*", Condition("order.id", Op.LIKE, "o-*", attribute=True)),
    ],
)
def test_one_term(text: str, condition: Condition) -> None:
    assert parse_spans(text, NOW).conditions == (condition,)


def test_words_and_quotations_are_text() -> None:
    assert parse_spans('card "was refused" today', NOW).text == ("card", "was refused", "today")


def test_no_text_asks_for_everything() -> None:
    assert parse_spans("  ", NOW) == Query()


def test_times() -> None:
    query = parse_spans("since:2026-11-19 until:2026-11-20T13:00:00Z", NOW)
    assert query.since == int(datetime(2026, 11, 19, tzinfo=UTC).timestamp()) * 10**9
    assert query.until == NOW_NS - HOUR


def test_severity_belongs_to_logs() -> None:
    assert parse_logs("severity:>=error", NOW).conditions == (Condition("severity", Op.AT_LEAST, 17),)
    with pytest.raises(QueryRefusedError, match="severity is no field"):
        parse_spans("severity:error", NOW)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("agent:x agnet:y", 8, "Did you mean agent"),
        ("agent:x colour:red", 8, "write colour=red"),
        ("duration:>2", 0, "it must be a number and one of ns"),
        ("status:bad", 0, "allowed are unset, ok, error"),
        ("trace:xyz", 0, "in hex"),
        ("agent:", 0, "needs a value"),
        ('agent:"open', 6, "not closed"),
        ("x since:lately", 2, "no time"),
        ("since:1h until:2h", 0, "since lies at or after until"),
        ("size>big", 0, "must be a number"),
        ("-word", 0, "cannot be turned around"),
        ("-queue:pay*", 0, "cannot be turned around"),
        ("-", 0, "nothing to look for"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, place: int, says: str) -> None:
    with pytest.raises(QueryRefusedError, match=says) as refused:
        parse_spans(text, NOW)
    assert refused.value.start == place
    assert refused.value.end > place


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_spans(text, NOW)
        place = (0, 0)
    except QueryRefusedError as problem:
        place = (problem.start, problem.end)
    assert 0 <= place[0] <= place[1] <= max(len(text), 1)


@given(st.text(min_size=1).filter(lambda value: not value.isspace()))
def test_any_value_can_be_written_in_quotation_marks(value: str) -> None:
    written = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert parse_spans(f"agent:{written}", NOW).conditions == (Condition("agent", Op.IS, value),)


def test_the_guide_knows_every_field_and_choice() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "search.md").read_text(encoding="utf-8")
    for word in (*SPAN_WORDS, *LOG_WORDS):
        assert f"| `{word.name}:` | {word.about}" in guide
        assert ", ".join(word.choices or ()) in guide
