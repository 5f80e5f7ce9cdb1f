"""A search finds what a plain look at every span would find, newest first, page after page."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from operator import eq, gt, lt, ne
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.spans.api import Batch, Condition, CursorRefusedError, LogRequest, Op, Query, SpanStore
from agents.spans.sqlite import ALONE
from agents.spans.values import LogRecord, Span, attributes_of, encode
from core import clock
from core.access.api import Place
from tests.support import span_stores
from tests.support.span_stores import Home
from tests.support.telemetry import HOUR, NEEDLE, SECOND, Maker, log_of

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MOMENT = int(NOON.timestamp()) * SECOND
DAY = 24 * HOUR


@pytest.fixture
def spans(store: SpanStore) -> list[Span]:
    """Three days of traffic, written in batches that overlap in time."""
    made = list(Maker(needle_every=1_500).spans(3_000, MOMENT - 2 * DAY, MOMENT))
    with clock.held(NOON):
        for start in range(0, 3_000, 400):
            store.write(Batch(tuple(made[start : start + 400])))
    return made


def every(store: SpanStore, query: Query, limit: int = 700) -> list[Span]:
    rows: list[Span] = []
    cursor = ""
    while True:
        page = store.search(query, limit=limit, cursor=cursor)
        rows += page.rows
        if not (cursor := page.next):
            return rows


def asking(field: str, op: Op, value: str | int, attribute: bool = False) -> Query:
    return Query((Condition(field, op, value, attribute),))


SEARCHES = {
    "everything": (Query(), lambda span: True),
    "agent": (asking("agent", Op.IS, "extract"), lambda span: span.agent == "extract"),
    "not the agent": (asking("agent", Op.IS_NOT, "extract"), lambda span: span.agent != "extract"),
    "workflow": (asking("workflow", Op.IS, "claims"), lambda span: span.workflow == "claims"),
    "operation": (asking("operation", Op.IS, "chat"), lambda span: span.operation == "chat"),
    "status": (asking("status", Op.IS, 2), lambda span: span.status == 2),
    "error type": (asking("error_type", Op.LIKE, "*Error"), lambda span: span.error_type.endswith("Error")),
    "slow": (asking("duration", Op.MORE, 2 * SECOND), lambda span: span.duration > 2 * SECOND),
    "quick": (asking("duration", Op.LESS, SECOND // 100), lambda span: span.duration < SECOND // 100),
    "queue by pattern": (asking("queue", Op.LIKE, "s*.q"), lambda span: fnmatchcase(span.queue, "s*.q")),
    "name": (asking("name", Op.IS, "send pay.q"), lambda span: span.name == "send pay.q"),
    "has a message": (asking("message_id", Op.HAS, ""), lambda span: bool(span.message_id)),
    "tokens": (asking("input_tokens", Op.AT_LEAST, 3_000), lambda span: span.input_tokens >= 3_000),
    "attribute": (
        asking("order.id", Op.IS, NEEDLE, attribute=True),
        lambda span: attributes_of(span.attributes).get("order.id") == NEEDLE,
    ),
    "number in an attribute": (
        asking("messaging.message.body.size", Op.MORE, 8_000, attribute=True),
        lambda span: attributes_of(span.attributes).get("messaging.message.body.size", 0) > 8_000,
    ),
    "attribute of the resource": (
        asking("service.instance.id", Op.IS, "pay-0", attribute=True),
        lambda span: span.agent == "pay",
    ),
    "text": (Query(text=("NEEDLE-47",)), lambda span: b"needle-47" in span.attributes),
    "two conditions": (
        Query((Condition("agent", Op.IS, "pay"), Condition("status", Op.IS, 2))),
        lambda span: span.agent == "pay" and span.status == 2,
    ),
    "within a time": (
        Query(since=MOMENT - DAY, until=MOMENT - HOUR),
        lambda span: MOMENT - DAY <= span.start < MOMENT - HOUR,
    ),
    "slow, by agent, within a time": (
        Query(
            (Condition("agent", Op.LIKE, "s*"), Condition("duration", Op.MORE, SECOND)), since=MOMENT - DAY
        ),
        lambda span: span.agent[0] == "s" and span.duration > SECOND and span.start >= MOMENT - DAY,
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_search_finds_all_and_nothing_else(name: str, store: SpanStore, spans: list[Span]) -> None:
    query, matches = SEARCHES[name]
    expected = [span for span in spans if matches(span)]
    found = every(store, query)
    assert expected, "a search that finds nothing shows nothing"
    assert Counter(found) == Counter(expected)
    assert [span.start for span in found] == sorted((span.start for span in expected), reverse=True)


def test_one_flag_among_several_is_found(store: SpanStore) -> None:
    flagged = [span._replace(flags=number % 4) for number, span in enumerate(Maker().trace(MOMENT - HOUR))]
    with clock.held(NOON):
        store.write(Batch(tuple(flagged)))
    assert Counter(every(store, asking("flags", Op.IS, 2))) == Counter(s for s in flagged if s.flags & 2)
    assert Counter(every(store, asking("flags", Op.IS_NOT, 2))) == Counter(
        s for s in flagged if not s.flags & 2
    )


@pytest.mark.parametrize("field", ["message_id", "conversation_id"])
def test_an_id_leads_to_its_spans(field: str, store: SpanStore, spans: list[Span]) -> None:
    wanted = getattr(spans[1_000], field) or getattr(spans[1_001], field)
    found = every(store, asking(field, Op.IS, wanted))
    assert found
    assert Counter(found) == Counter(span for span in spans if getattr(span, field) == wanted)


def test_trace_and_span_ids_are_sought_in_hex(store: SpanStore, spans: list[Span]) -> None:
    one = spans[500]
    by_both = Query(
        (Condition("trace_id", Op.IS, one.trace_id.hex()), Condition("span_id", Op.IS, one.span_id.hex()))
    )
    assert every(store, by_both) == [one]
    assert every(store, asking("trace_id", Op.IS, "no hex")) == []


def test_a_trace_is_whole_and_in_order(store: SpanStore, spans: list[Span]) -> None:
    wanted = spans[700].trace_id
    trace = store.get_trace(wanted)
    assert trace.complete
    assert list(trace.spans) == sorted(
        (span for span in spans if span.trace_id == wanted), key=lambda span: (span.start, span.span_id)
    )
    assert store.get_trace(b"\0" * 15 + b"\1").spans == ()


def test_spans_are_found_by_their_ids_whatever_their_day(store: SpanStore, spans: list[Span]) -> None:
    wanted = {span.trace_id + span.span_id: span for span in spans[::7]}
    stranger = spans[0].trace_id + spans[1_000].span_id
    assert store.find_spans([*wanted, stranger]) == wanted
    assert store.find_spans([]) == {}


def test_commits_are_followed_up_to_a_cursor(store: SpanStore, spans: list[Span]) -> None:
    end = store.now_cursor()
    with clock.held(NOON):
        store.write(Batch(tuple(Maker(seed=9).spans(60, MOMENT - HOUR, MOMENT))))
    read = store.read_since("", limit=5_000, until=end)
    assert Counter(read.rows) == Counter(spans)
    assert not read.more
    assert store.read_since(read.cursor, until=end).rows == ()
    assert len(store.read_since(read.cursor).rows) == 60


def test_a_trace_that_is_too_large_says_so(store: SpanStore, spans: list[Span]) -> None:
    trace = store.get_trace(spans[700].trace_id, limit=5)
    assert len(trace.spans) == 5
    assert not trace.complete


def test_pages_neither_repeat_nor_skip_while_spans_arrive(store: SpanStore, spans: list[Span]) -> None:
    seen: list[Span] = []
    cursor, round_ = "", 0
    while True:
        page = store.search(Query(), limit=250, cursor=cursor)
        seen += page.rows
        if not (cursor := page.next):
            break
        round_ += 1
        more = Maker(seed=100 + round_).spans(60, MOMENT - 2 * DAY, MOMENT)
        with clock.held(NOON):
            store.write(Batch(tuple(more)))
    assert not [span for span, times in Counter(seen).items() if times > 1]
    assert set(seen) >= set(spans)
    assert [span.start for span in seen] == sorted((span.start for span in seen), reverse=True)


def test_behind_any_row_of_a_page_the_search_goes_on(store: SpanStore, spans: list[Span]) -> None:
    store.write(Batch(tuple(spans)))
    page = store.search(Query(), limit=20)
    assert page.behind(len(page.rows) - 1) == page.next
    for place in (0, 7, 18):
        found = store.search(Query(), limit=5, cursor=page.behind(place)).rows
        assert found[: 19 - place] == page.rows[place + 1 :][:5]


def test_a_cursor_of_another_search__refused(store: SpanStore, spans: list[Span]) -> None:
    cursor = store.search(Query(), limit=10).next
    with pytest.raises(CursorRefusedError):
        store.search(asking("agent", Op.IS, "pay"), limit=10, cursor=cursor)
    for bad in ("nonsense", "AAAA", "é"):
        with pytest.raises(CursorRefusedError):
            store.search(Query(), limit=10, cursor=bad)
        with pytest.raises(CursorRefusedError):
            store.read_since(bad)


def test_traces_are_read_together_as_they_are_read_alone(store: SpanStore, spans: list[Span]) -> None:
    ids = sorted({span.trace_id for span in spans})[:40]
    found = store.get_traces([*ids, b"nobody's trace.."])
    assert found == {trace_id: store.get_trace(trace_id) for trace_id in ids}
    assert store.get_traces([]) == {}


def test_traces_are_the_same_where_their_newest_spans_are_known(store: SpanStore, spans: list[Span]) -> None:
    """More of them than one reader looks for alone, some over midnight."""
    newest: dict[bytes, int] = {}
    for span in spans:
        newest[span.trace_id] = max(span.start, newest.get(span.trace_id, 0))
    assert len(newest) > 2 * ALONE / 24
    assert store.get_traces(newest, newest=newest) == store.get_traces(newest)
    some = dict(list(newest.items())[::2])
    assert store.get_traces(newest, newest=some) == store.get_traces(newest)
    assert store.get_traces(newest, newest=newest, limit=3) == store.get_traces(newest, limit=3)


@pytest.mark.parametrize("hours", [1, 2, 5, 13, 30])
@pytest.mark.parametrize("rooted", [True, False])
def test_a_trace_of_many_hours_is_whole_where_its_newest_span_is_known(
    store: SpanStore, hours: int, rooted: bool
) -> None:
    """Its root lies far back, or is not there yet, and hours lie between."""
    made = Maker().trace(MOMENT - hours * HOUR)[0]
    first = made._replace(parent_id=b"" if rooted else b"a parent")
    last = first._replace(span_id=b"the last", parent_id=first.span_id, start=MOMENT)
    far = last._replace(span_id=b"far away", start=MOMENT + 400 * DAY)
    with clock.held(NOON):
        for each in (first, last, far):
            store.write(Batch((each,)))
    [trace] = store.get_traces([first.trace_id], newest={first.trace_id: MOMENT}).values()
    assert {span.span_id for span in trace.spans} == {first.span_id, b"the last", b"far away"}


def test_of_a_trace_whose_newest_span_is_known_only_what_may_be_seen(
    store: SpanStore, spans: list[Span]
) -> None:
    newest = {span.trace_id: span.start for span in sorted(spans, key=lambda span: span.start)}
    found = store.get_traces(newest, newest=newest, reach=lambda place: place.agent == "pay")
    assert found == store.get_traces(newest, reach=lambda place: place.agent == "pay")
    assert {span.agent for trace in found.values() for span in trace.spans} == {"pay"}


def test_of_traces_read_together_each_has_its_limit_and_what_may_be_seen(
    store: SpanStore, spans: list[Span]
) -> None:
    ids = {span.trace_id for span in spans}
    found = store.get_traces(ids, limit=2, reach=lambda place: place.agent == "pay")
    paying = Counter(span.trace_id for span in spans if span.agent == "pay")
    assert {trace_id: trace.complete for trace_id, trace in found.items()} == {
        trace_id: count <= 2 for trace_id, count in paying.items()
    }
    assert all(len(trace.spans) == min(paying[trace_id], 2) for trace_id, trace in found.items())


def test_facets_of_many_commits_count_what_search_finds(store: SpanStore) -> None:
    """Enough blocks that whole groups of them are counted by their totals, and others are cut by the time."""
    made = list(Maker().spans(1_200, MOMENT - HOUR, MOMENT))
    with clock.held(NOON):
        for start in range(0, 1_200, 8):
            store.write(Batch(tuple(made[start : start + 8])))
    for since, until in ((0, 2**63 - 1), (MOMENT - HOUR * 3 // 4, MOMENT - HOUR // 8)):
        expected = [span for span in made if since <= span.start < until]
        facets = store.facets(Query(since=since, until=until), ["agent", "operation"])
        assert (facets.exact, facets.total) == (True, len(expected))
        assert dict(facets.counts["agent"]) == Counter(span.agent for span in expected)
        assert dict(facets.counts["operation"]) == Counter(span.operation for span in expected)


def test_who_may_see_little_finds_little(store: SpanStore, spans: list[Span]) -> None:
    def reach(place: Place) -> bool:
        return place.agent == "pay"

    page = store.search(Query(), limit=5_000, reach=reach)
    assert Counter(page.rows) == Counter(span for span in spans if span.agent == "pay")
    assert store.facets(Query(), ["agent"], reach=reach).counts["agent"] == (("pay", len(page.rows)),)
    with_pay = next(span for span in spans if span.agent == "pay")
    assert {span.agent for span in store.get_trace(with_pay.trace_id, reach=reach).spans} == {"pay"}


@pytest.mark.parametrize("name", SEARCHES)
def test_facets_count_what_search_finds(name: str, store: SpanStore, spans: list[Span]) -> None:
    query, matches = SEARCHES[name]
    expected = [span for span in spans if matches(span)]
    facets = store.facets(query, ["agent", "status", "error_type"])
    assert facets.exact
    assert facets.total == len(expected)
    assert dict(facets.counts["agent"]) == Counter(span.agent for span in expected)
    assert dict(facets.counts["status"]) == Counter(str(span.status) for span in expected)
    assert dict(facets.counts["error_type"]) == Counter(s.error_type for s in expected if s.error_type)


def test_an_empty_store_answers_empty(store: SpanStore) -> None:
    found = store.search(Query(), limit=10)
    assert (found.rows, found.next, found.reached) == ((), "", 0)
    assert store.search_logs(Query(), limit=10).rows == ()
    assert store.facets(Query(), ["agent"]).total == 0
    assert store.get_trace(b"\1" * 16).spans == ()
    assert store.stats().spans == 0


def test_logs_by_text_severity_trace_span_message_and_agent(store: SpanStore, spans: list[Span]) -> None:
    lines = [
        log_of(span, f"attempt {number} of {span.operation}", 17 if number % 7 == 0 else 9)
        for number, span in enumerate(spans)
    ]
    with clock.held(NOON):
        for start in range(0, 3_000, 500):
            store.write(Batch(logs=(LogRequest(b"%16d" % start, tuple(lines[start : start + 500])),)))
    one = next(line for line in lines[1_000:] if line.message_id)
    searches: list[tuple[Query, Any]] = [
        (Query(text=("ATTEMPT 77 ",)), lambda line: "attempt 77 " in line.body),
        (asking("severity", Op.AT_LEAST, 17), lambda line: line.severity >= 17),
        (asking("trace_id", Op.IS, one.trace_id.hex()), lambda line: line.trace_id == one.trace_id),
        (asking("span_id", Op.IS, one.span_id.hex()), lambda line: line.span_id == one.span_id),
        (asking("message_id", Op.IS, one.message_id), lambda line: line.message_id == one.message_id),
        (asking("agent", Op.IS, "pay"), lambda line: line.agent == "pay"),
    ]
    for query, matches in searches:
        found = store.search_logs(query, limit=3_000).rows
        assert found
        assert Counter(found) == Counter(line for line in lines if matches(line)), query


def test_a_live_tail_sees_each_line_once(store: SpanStore, spans: list[Span]) -> None:
    query, cursor = asking("severity", Op.AT_LEAST, 17), store.now_cursor()
    seen: list[LogRecord] = []
    lines = [log_of(span, "line", 17 if number % 2 else 9) for number, span in enumerate(spans[:100])]
    with clock.held(NOON):
        for start in range(0, 100, 10):
            store.write(Batch(logs=(LogRequest(b"%16d" % start, tuple(lines[start : start + 10])),)))
            tail = store.tail_logs(cursor, query)
            seen, cursor = [*seen, *tail.rows], tail.cursor
    assert seen == [line for line in lines if line.severity == 17]


_words = st.sampled_from(["a", "b", "ab", "", 'q",', "1", "ä"])
_span = st.builds(
    lambda trace, span, start, duration, agent, queue, status, key, value: Span(
        bytes([trace]) * 16,
        bytes([span]) * 8,
        b"",
        MOMENT - 2 * DAY + start,
        duration,
        agent + queue,
        status=status,
        agent=agent,
        queue=queue,
        message_id=queue,
        attributes=encode({key: value, "n": duration}),
    ),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 49) | st.integers(0, 3 * DAY),
    st.integers(0, 10 * SECOND),
    _words,
    _words,
    st.integers(0, 2),
    _words,
    _words | st.integers(-2, 2) | st.booleans(),
)
_condition = st.one_of(
    st.builds(Condition, st.sampled_from(["agent", "queue", "message_id", "name"]), st.just(Op.IS), _words),
    st.builds(Condition, st.just("status"), st.sampled_from([Op.IS, Op.IS_NOT]), st.integers(0, 2)),
    st.builds(
        Condition, st.just("duration"), st.sampled_from([Op.MORE, Op.LESS]), st.integers(0, 10 * SECOND)
    ),
    st.builds(Condition, _words, st.just(Op.IS), _words, st.just(True)),
)


PLAINLY: dict[Op, Any] = {Op.IS: eq, Op.IS_NOT: ne, Op.MORE: gt, Op.LESS: lt}


def plainly(span: Span, condition: Condition) -> bool:
    """The same question, asked of one span without any index."""
    if condition.attribute:
        value = attributes_of(span.attributes).get(condition.field)
        value = value if isinstance(value, str) else "" if value is None else encode(value).decode()
    else:
        value = getattr(span, condition.field)
    return bool(PLAINLY[condition.op](value, condition.value))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(_span, max_size=30), max_size=5),
    st.lists(_condition, max_size=2),
    st.integers(1, 9),
    st.tuples(st.integers(0, 49), st.integers(0, 49) | st.integers(0, 3 * DAY)),
)
def test_any_search_over_any_spans(
    home: Home, batches: list[list[Span]], conditions: list[Condition], limit: int, times: tuple[int, int]
) -> None:
    span_stores.empty(home)
    store = home.store()
    begin = MOMENT - 2 * DAY
    query = Query(tuple(conditions), since=begin + min(times), until=begin + max(times))
    first: dict[Any, Span] = {}
    with clock.held(NOON + timedelta(days=1)):
        for batch in batches:
            store.write(Batch(tuple(batch)))
            for span in batch:
                first.setdefault((span.trace_id, span.span_id, span.start // HOUR), span)
    expected = [
        span
        for span in first.values()
        if query.since <= span.start < query.until and all(plainly(span, each) for each in conditions)
    ]
    found = every(store, query, limit)
    assert Counter(found) == Counter(expected)
    assert [span.start for span in found] == sorted((span.start for span in expected), reverse=True)
    assert store.facets(query, ["agent"]).total == len(expected)
    store.close()


def test_a_search_that_takes_too_long_goes_on_behind_its_cursor(home: Home, spans: list[Span]) -> None:
    hurried, cursor, pages = home.store(patience=0), "", 0
    found: list[Span] = []
    while True:
        page = hurried.search(asking("status", Op.IS, 2), limit=3_000, cursor=cursor)
        assert all(span.start > page.reached for span in page.rows)
        found, pages = [*found, *page.rows], pages + 1
        if not (cursor := page.next):
            break
    assert pages > 1
    assert Counter(found) == Counter(span for span in spans if span.status == 2)
    assert not hurried.facets(asking("duration", Op.MORE, 1), ["agent"]).exact
