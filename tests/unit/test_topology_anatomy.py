"""A trace is read in the order in which it happened, and what held it up is named, queues included."""

from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from agents.spans.values import Span
from agents.topology.anatomy import Anatomy, read
from tests.support.traces import MS, START, processes, sends, span


def names(trace: Anatomy) -> list[str]:
    by_id = {bar.span.span_id: bar.span.name for bar in trace.bars}
    return [by_id.get(segment.span_id, f"wait in {segment.queue}") for segment in trace.path]


def test_an_empty_trace_has_no_anatomy() -> None:
    assert read([]).bars == ()


def test_children_follow_their_parent_by_start() -> None:
    trace = read([span("a", 3, parent=1, at=5), span("a", 1, ms=100), span("b", 2, parent=1, at=1)])
    assert [(bar.span.name, bar.depth, bar.lane) for bar in trace.bars] == [
        ("a 1", 0, 0),
        ("b 2", 1, 1),
        ("a 3", 1, 0),
    ]


def test_the_critical_path_crosses_the_queue() -> None:
    trace = read(
        [
            span("web", 1, ms=20),
            sends("web", 2, "q", parent=1, at=5, ms=5),
            processes("extract", 3, "q", parent=2, at=110, ms=90),
            span("extract", 4, parent=3, at=120, ms=70),
        ]
    )
    assert names(trace) == ["web 1", "web 2", "wait in q", "extract 3", "extract 4", "extract 3"]
    wait = trace.path[2]
    assert (wait.start, wait.end) == (START + 10 * MS, START + 110 * MS)
    assert trace.end == START + 200 * MS, "the root's end is not the end of the work"


def test_a_sending_within_a_sending_is_no_wait() -> None:
    trace = read(
        [
            sends("web", 1, "q", ms=10),
            sends("web", 2, "q", parent=1, at=2, ms=5),
            processes("extract", 3, "q", parent=2, at=50),
        ]
    )
    assert names(trace) == ["web 1", "web 2", "wait in q", "extract 3"]


def test_of_two_children_side_by_side_the_later_end_is_on_the_path() -> None:
    trace = read(
        [span("a", 1, ms=100), span("a", 2, parent=1, at=10, ms=30), span("a", 3, parent=1, at=10, ms=80)]
    )
    assert names(trace) == ["a 1", "a 3", "a 1"]


def test_a_long_pause_is_folded__a_short_one_is_not() -> None:
    assert len(read([span("a", 1), span("a", 2, at=5_000)]).pauses) == 1
    assert read([span("a", 1), span("a", 2, at=50)]).pauses == ()


def test_what_was_sent_and_not_received_is_a_ghost() -> None:
    spans = [sends("a", 1, "q"), sends("a", 2, "q"), processes("b", 3, "q", parent=2, at=20)]
    assert [ghost.span_id[-1] for ghost in read(spans).ghosts] == [1]
    assert read(spans, received=frozenset({spans[0].span_id})).ghosts == ()


def test_a_span_without_its_parent_is_an_orphan_at_the_top() -> None:
    (bar,) = read([span("a", 5, parent=4)]).bars
    assert (bar.depth, bar.orphan) == (0, True)


def test_spans_that_claim_to_cause_each_other_are_all_shown() -> None:
    trace = read(
        [span("a", 1, parent=2), span("a", 2, parent=3), span("a", 3, parent=1), span("a", 4, parent=4)]
    )
    assert sorted(bar.span.span_id[-1] for bar in trace.bars) == [1, 2, 3, 4]


@st.composite
def traces(draw: st.DrawFn) -> list[Span]:
    count = draw(st.integers(1, 25))
    return [
        span(
            draw(st.sampled_from("abc")),
            number,
            parent=draw(st.integers(0, count)),
            at=draw(st.integers(0, 1_000)),
            ms=draw(st.integers(0, 500)),
            step=draw(st.sampled_from(["", "send", "process"])),
        )
        for number in range(1, count + 1)
    ]


@given(traces())
def test_every_span_is_one_bar_and_the_path_goes_forwards(spans: list[Span]) -> None:
    trace = read(spans)
    assert sorted(bar.span.span_id for bar in trace.bars) == sorted(each.span_id for each in spans)
    ends = [segment.end for segment in trace.path]
    assert all(segment.start < segment.end for segment in trace.path)
    assert ends == sorted(ends)
    assert all(later.start >= earlier.end for earlier, later in zip(trace.path, trace.path[1:], strict=False))


def test_a_hundred_thousand_spans_are_read_in_seconds() -> None:
    chance = random.Random(4)
    spans = [
        span("a", n, parent=chance.randrange(max(1, n - 50), n) if n > 1 else 0, at=n, ms=60)
        for n in range(1, 100_001)
    ]
    begun = time.monotonic()
    assert len(read(spans).bars) == 100_000
    assert time.monotonic() - begun < 20
