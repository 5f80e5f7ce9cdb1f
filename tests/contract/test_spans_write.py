"""What is written is kept once, in the part of its own day, whoever writes it and how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from agents.spans.api import Batch, LogRequest, Query, SpanStore
from agents.spans.values import Flag, Span
from core import clock
from tests.support.span_stores import Home
from tests.support.telemetry import HOUR, SECOND, Maker, log_of

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MOMENT = int(NOON.timestamp()) * SECOND
DAY = 24 * HOUR
EVERYTHING = Query()


def some(count: int = 24, at: int = MOMENT, seed: int = 1) -> tuple[Span, ...]:
    return tuple(Maker(seed).spans(count, at - 60 * SECOND, at))


def kept(store: SpanStore) -> list[Span]:
    rows: list[Span] = []
    cursor = ""
    while True:
        read = store.read_since(cursor)
        rows, cursor = [*rows, *read.rows], read.cursor
        if not read.more:
            return rows


def test_a_batch_comes_back_as_it_was_given(store: SpanStore, home: Home) -> None:
    spans = some()
    with clock.held(NOON):
        assert store.write(Batch(spans)) == (24, 0, 0, 0)
    assert sorted(kept(home.store())) == sorted(spans)


def test_every_field_survives(store: SpanStore) -> None:
    texts = {
        name: f"text, one {name}" for name in Span._fields if isinstance(Span._field_defaults.get(name), str)
    }
    odd = (
        some()[0]
        ._replace(**cast("dict[str, Any]", texts))
        ._replace(
            name='n\u00e1me\n\t"',
            duration=0,
            kind=5,
            status=2,
            input_tokens=2**40,
            output_tokens=1,
            flags=3,
            resource=b'{"r":[1,{"x":null}]}',
            attributes=b'{"k":"\xc3\xa4,\\"b"}',
            events=b'[{"name":"e","time":1}]',
            links=b"[]",
            trace_id=b"\x01" * 16,
        )
    )
    with clock.held(NOON):
        store.write(Batch((odd, *some())))
    assert store.get_trace(odd.trace_id).spans == (odd,)


def test_a_repeat_is_counted_once(store: SpanStore) -> None:
    spans = some()
    with clock.held(NOON):
        store.write(Batch(spans))
        assert store.write(Batch(spans)) == (0, 0, 24, 0)
    assert len(kept(store)) == store.stats().spans == 24


def test_a_repeat_in_the_same_batch_is_counted_once(store: SpanStore) -> None:
    spans = some()
    with clock.held(NOON):
        assert store.write(Batch(spans + spans)) == (24, 0, 24, 0)
    assert len(kept(store)) == 24


def test_what_is_new_beside_a_repeat_is_kept(store: SpanStore) -> None:
    spans = some(48)
    with clock.held(NOON):
        store.write(Batch(spans[:30]))
        assert store.write(Batch(spans[20:])) == (18, 0, 10, 0)
    assert sorted(kept(store)) == sorted(spans)


def test_a_repeat_after_midnight_and_a_restart_is_counted_once(store: SpanStore, home: Home) -> None:
    before_midnight = MOMENT + 12 * HOUR - 30 * SECOND
    spans = some(24, before_midnight + 60 * SECOND)
    with clock.held(NOON + timedelta(hours=11, minutes=59)):
        store.write(Batch(spans))
    with clock.held(NOON + timedelta(hours=12, minutes=1)):
        assert home.store().write(Batch(spans)).spans == 0
    assert {day.day for day in store.days()} == {NOON.date(), NOON.date() + timedelta(days=1)}


def test_spans_of_one_trace_on_two_days_are_one_trace(store: SpanStore) -> None:
    trace = Maker().trace(MOMENT + 12 * HOUR - SECOND // 1000)
    with clock.held(NOON + timedelta(hours=12)):
        store.write(Batch(tuple(trace)))
    assert len(store.days()) == 2
    assert set(store.get_trace(trace[0].trace_id).spans) == set(trace)


def test_an_empty_batch_writes_nothing(store: SpanStore) -> None:
    assert store.write(Batch()) == (0, 0, 0, 0)
    assert store.days() == ()
    assert store.read_since("").rows == ()


def test_a_late_span_goes_to_its_own_day(store: SpanStore) -> None:
    with clock.held(NOON):
        store.write(Batch(some(12, MOMENT - 5 * DAY)))
    assert [day.day for day in store.days()] == [NOON.date() - timedelta(days=5)]


def test_absurd_clocks_share_one_part(store: SpanStore) -> None:
    spans = [
        span._replace(start=MOMENT + away * 30 * DAY, flags=int(Flag.CLOCK_ABSURD))
        for away, span in enumerate(some(40), start=-20)
        if away not in {0}
    ]
    with clock.held(NOON):
        store.write(Batch(tuple(spans)))
        store.write(Batch(tuple(spans)))
    assert [day.day for day in store.days()] == [None]
    assert sorted(kept(store)) == sorted(spans)
    assert set(store.get_trace(spans[0].trace_id).spans) >= {spans[0]}


def test_a_span_from_the_future_is_counted_once_when_its_day_has_come_near(store: SpanStore) -> None:
    ahead = some(12, MOMENT + 2 * DAY)
    with clock.held(NOON):
        store.write(Batch(ahead))
    with clock.held(NOON + timedelta(days=1)):
        assert store.write(Batch(ahead)).spans == 0
    with clock.held(NOON + timedelta(days=2)):
        assert store.write(Batch(ahead)).spans == 0
    assert len(kept(store)) == 12


def test_what_went_astray_expires_by_its_arrival(store: SpanStore) -> None:
    early, later = some(12, MOMENT - 400 * DAY), some(12, MOMENT - 400 * DAY, seed=2)
    with clock.held(NOON):
        store.write(Batch(early))
    with clock.held(NOON + timedelta(days=2)):
        store.write(Batch(later))
    assert store.drop_astray(NOON + timedelta(days=1)) == 12
    assert sorted(kept(store)) == sorted(later)
    assert store.stats().spans == 12
    assert store.drop_astray(NOON + timedelta(days=1)) == 0


def test_a_log_request_is_known_by_its_digest(store: SpanStore, home: Home) -> None:
    records = tuple(log_of(span, "done") for span in some())
    request = LogRequest(b"d" * 16, records)
    with clock.held(NOON):
        assert store.write(Batch(logs=(request, request))).logs == 24
        assert home.store().write(Batch(logs=(request,))) == (0, 0, 0, 24)
        assert store.write(Batch(logs=(request._replace(digest=b"e" * 16),))).logs == 24
    assert len(store.search_logs(EVERYTHING, limit=100).rows) == 48


def test_a_log_request_without_times_is_counted_once_across_midnight(store: SpanStore) -> None:
    def arriving(at: int) -> Batch:
        record = log_of(some()[0], "no time of its own")._replace(
            time=at, observed=at, flags=int(Flag.TIME_GIVEN)
        )
        return Batch(logs=(LogRequest(b"d" * 16, (record,)),))

    midnight = MOMENT + 12 * HOUR
    with clock.held(NOON + timedelta(hours=11, minutes=59)):
        assert store.write(arriving(midnight - SECOND)).logs == 1
    with clock.held(NOON + timedelta(hours=12, minutes=1)):
        assert store.write(arriving(midnight + SECOND)).logs == 0


def test_a_log_request_over_two_days_is_kept_whole_and_once(store: SpanStore) -> None:
    days = some(12, MOMENT - DAY) + some(12)
    request = LogRequest(b"d" * 16, tuple(log_of(span, "line") for span in days))
    with clock.held(NOON):
        assert store.write(Batch(logs=(request,))).logs == 24
        assert store.write(Batch(logs=(request,))) == (0, 0, 0, 24)


def test_a_dropped_day_is_gone_and_can_come_back(store: SpanStore) -> None:
    yesterday, today = some(24, MOMENT - DAY), some(24, seed=2)
    with clock.held(NOON):
        store.write(Batch(yesterday + today))
        cursor = store.now_cursor()
        assert store.drop_day(NOON.date() - timedelta(days=1))
        assert not store.drop_day(NOON.date() - timedelta(days=1))
        assert sorted(kept(store)) == sorted(today)
        assert store.get_trace(yesterday[0].trace_id).spans == ()
        assert store.write(Batch(yesterday)).spans == 24
    # Whoever follows the commits sees what came back, and only that.
    assert sorted(store.read_since(cursor).rows) == sorted(yesterday)


def test_dropping_a_day_gives_its_space_back(store: SpanStore) -> None:
    with clock.held(NOON):
        store.write(Batch(some(5_000, MOMENT - DAY)))
        before = store.stats().size
        store.drop_day(NOON.date() - timedelta(days=1))
    assert before > 100_000
    assert store.stats().size == 0
