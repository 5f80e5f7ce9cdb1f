"""Columns, filters and parts: pure functions, held against any values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.spans import blocks, days, tokens
from agents.spans.columns import IDS, LINES, NUMBERS, WORDS, Coding, Packed, pack, pack_in_chunks
from agents.spans.streams import LOGS, SPANS
from agents.spans.values import LogRecord, Span, encode
from tests.support.telemetry import HOUR, SECOND, Maker, log_of

VALUES = {
    "words": (WORDS, st.text(max_size=5) | st.integers(0, 300)),
    "bytes as words": (WORDS, st.binary(max_size=4)),
    "numbers": (NUMBERS, st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)),
    "ids": (IDS, st.just(b"") | st.binary(min_size=8, max_size=8).filter(any)),
    "lines": (LINES, st.just(b"") | st.builds(encode, st.dictionaries(st.text(max_size=3), st.text()))),
}


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_a_column_comes_back_whole_and_in_places(name: str, data: st.DataObject) -> None:
    coding, values = VALUES[name]
    column = data.draw(st.lists(values, min_size=1, max_size=600))
    codings: dict[str, Coding] = {"it": coding}
    packed = Packed(codings, pack(codings, {"it": column}))
    places = data.draw(st.lists(st.integers(0, len(column) - 1), max_size=5))
    assert packed.rows == len(column)
    assert list(packed["it"]) == column
    assert packed.at("it", places) == [column[place] for place in places]
    if coding is WORDS:
        chosen = set(column[::2])
        assert list(packed.mask("it", chosen.__contains__)) == [value in chosen for value in column]


def test_more_than_256_words_need_two_bytes_each() -> None:
    column = [f"w{number % 300}" for number in range(2_000)]
    packed = Packed({"it": WORDS}, pack({"it": WORDS}, {"it": column}))
    assert list(packed["it"]) == column
    assert packed.at("it", [299, 1_999]) == ["w299", "w199"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(['",', '{"a":1}', '":"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.text(min_size=1), _values, max_size=6), max_size=8))
def test_a_filter_never_hides_an_attribute_that_is_there(objects: list[dict[str, object]]) -> None:
    kept = tokens.bloom(tokens.tokens_of([encode(each) for each in objects]))
    for each in objects:
        for key, value in each.items():
            assert tokens.may_hold(kept, tokens.tokens_for(key, value))
            assert tokens.may_hold(kept, [tokens.token_of_key(key)])


def test_a_filter_rules_most_of_the_others_out() -> None:
    objects = [encode({"order.id": f"o-{number}"}) for number in range(1_000)]
    kept = tokens.bloom(tokens.tokens_of(objects))
    wrong = sum(
        tokens.may_hold(kept, tokens.tokens_for("order.id", f"x-{number}")) for number in range(2_000)
    )
    assert wrong < 80


def test_blocks_hold_every_row_once() -> None:
    spans = list(Maker().spans(3_000, 0, HOUR))
    built = blocks.build(SPANS, spans, 7)
    rows = [
        row
        for block in built
        for row in blocks.rows_of(
            SPANS, blocks.unpack_core(SPANS, block.core), blocks.unpack_details(SPANS, block.details)
        )
    ]
    assert sorted(rows) == sorted(spans)
    assert sum(block.rows for block in built) == 3_000
    assert max(block.rows for block in built) <= blocks.MAX_ROWS
    assert sum(share.rows for block in built for share in block.shares) == 3_000


@pytest.mark.parametrize("pack_details", [pack, pack_in_chunks])
def test_details_come_back_from_chunks_and_from_one_piece(pack_details: Callable[..., bytes]) -> None:
    spans = list(Maker().spans(700, 0, HOUR))
    named = dict(zip(Span._fields, zip(*spans, strict=True), strict=True))
    details = blocks.unpack_details(SPANS, pack_details(SPANS.details, named))
    assert set(details) == set(SPANS.details)
    for field in details:
        assert list(details[field]) == list(named[field])
        assert details.at(field, [699, 0, 256]) == [named[field][place] for place in (699, 0, 256)]


def test_a_block_of_logs_leads_to_their_traces_and_messages() -> None:
    span = Maker().trace(5 * HOUR)[0]
    line = log_of(span, "hello\nworld")
    block = blocks.build(LOGS, [line, LogRecord(6 * HOUR, 6 * HOUR, body="alone")], 7)[0]
    keys = {key for key, _ in block.handles}
    assert bytes([5]) + b"l" + span.trace_id in keys
    assert bytes([5]) + blocks.id_handle(b"n", span.message_id) in keys
    assert len(keys) == 2


@given(st.integers(0, 2**63 - 2))
def test_a_moment_lies_within_its_part(moment: int) -> None:
    window = days.Window(20_000, 20_008)
    part = window.part_of(moment, (19_990,))
    first, last = days.bounds(part)
    assert first <= moment < last
    assert part == days.ASTRAY or 20_000 <= part <= 20_008 or part == 19_990


def test_the_window_reaches_from_retention_to_tomorrow() -> None:
    now = datetime(2026, 11, 20, 14, tzinfo=UTC)
    window = days.window(now, timedelta(days=7))
    assert days.day_of(window.oldest) == date(2026, 11, 13)
    assert days.day_of(window.newest) == date(2026, 11, 21)
    assert days.day_of(days.ASTRAY) is None


def test_a_span_over_the_hour_is_known_under_the_hour_of_its_start() -> None:
    span = Span(b"t" * 16, b"s" * 8, b"", 3 * HOUR - SECOND, 2 * SECOND, "n")
    (handle, ids), *_ = blocks.build(SPANS, [span], 7)[0].handles
    assert handle == bytes([2]) + b"t" + span.trace_id
    assert ids == span.span_id
    assert blocks.identities([(handle, ids)]) == {blocks.identity(span, 7)}


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_a_longer_duration_is_never_of_a_lower_class(one: int, other: int) -> None:
    shorter, longer = sorted((one, other))
    assert 0 <= blocks.duration_class(shorter) <= blocks.duration_class(longer) < blocks.CLASSES


def test_classes_of_duration_are_narrow() -> None:
    assert blocks.duration_class(3_500_000_000) < blocks.duration_class(4_000_000_000)
    assert blocks.duration_class(60_000_000_000) < blocks.duration_class(70_000_000_000)
