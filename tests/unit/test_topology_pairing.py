"""Two halves make an edge, whatever order and whatever batches they come in."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.spans.values import Span, SpanKind, Status
from agents.topology.halves import key_of
from agents.topology.pairing import Tallies, Window
from agents.topology.values import Edge, EdgeKind, Tally
from tests.support.traces import MS, processes, receives, sends, span

PROD = "production"


class Store:
    """Knows what was fed, as the real one does."""

    def __init__(self) -> None:
        self.spans: dict[bytes, Span] = {}

    def find(self, keys: Iterable[bytes]) -> Mapping[bytes, Span]:
        return {key: self.spans[key] for key in keys if key in self.spans}


def fold(*batches: Iterable[Span]) -> Tallies:
    store = Store()
    found: Tallies = {}
    window = Window(store.find)
    for batch in batches:
        spans = list(batch)
        store.spans |= {key_of(each): each for each in spans}
        window.feed(spans, found)
    return found


def edge(found: Tallies, kind: EdgeKind, source: str = "", via: str = "", target: str = "") -> Tally:
    wanted = Edge(PROD, kind, source, via, target)
    whole = Tally()
    for cell, tally in found.items():
        if cell.edge == wanted:
            whole.add(tally)
    return whole


def kinds(found: Tallies) -> set[EdgeKind]:
    return {cell.edge.kind for cell in found}


def test_a_link_joins_sender_and_receiver_of_different_traces() -> None:
    found = fold([sends("web", 1, "q", ms=5), processes("classify", 2, "q", trace=2, links=[(1, 1)], at=105)])
    tally = edge(found, EdgeKind.MESSAGE, "web", "q", "classify")
    assert tally.calls == 1
    assert abs((tally.wait.quantile(0.5) or 0) - 100 * MS) < 2 * MS


def test_parent_and_link_to_the_same_span_count_once() -> None:
    found = fold([sends("web", 1, "q"), processes("classify", 2, "q", parent=1, links=[(1, 1)], at=20)])
    assert edge(found, EdgeKind.MESSAGE, "web", "q", "classify").calls == 1


def test_a_sender_that_comes_after_its_receiver_is_paired() -> None:
    found = fold([processes("classify", 2, "q", parent=1, at=20)], [sends("web", 1, "q")])
    assert edge(found, EdgeKind.MESSAGE, "web", "q", "classify").calls == 1


def test_one_message_for_three_receivers_is_sent_once_and_arrives_three_times() -> None:
    takers = [processes(name, number, "q", parent=1, at=20) for number, name in enumerate("abc", start=2)]
    found = fold([sends("web", 1, "q")], takers)
    sent = edge(found, EdgeKind.SEND, "web", "q")
    assert (sent.calls, sent.matched, sent.missing) == (1, 1, 0)
    assert all(edge(found, EdgeKind.MESSAGE, "web", "q", name).calls == 1 for name in "abc")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_sending_within_a_sending_is_sent_once(order: tuple[int, ...]) -> None:
    """As pika's instrumentation traces it: a span for the channel around one for the channel below."""
    story = [
        sends("web", 1, "q"),
        sends("web", 2, "q", parent=1),
        sends("web", 3, "q", parent=1),
        processes("classify", 4, "q", parent=2, at=20),
    ]
    sent = edge(fold(*([story[number]] for number in order)), EdgeKind.SEND, "web", "q")
    assert (sent.calls, sent.matched) == (2, 1), "the two inside; the one around them is no message"


def test_a_sending_within_one_to_another_queue_counts_too() -> None:
    found = fold([sends("web", 1, "q"), sends("web", 2, "other", parent=1)])
    assert [edge(found, EdgeKind.SEND, "web", queue).calls for queue in ("q", "other")] == [1, 1]


def test_an_agent_that_names_its_model_is_no_call_of_it() -> None:
    """The sum of an agent's tokens stands on its own span as well, and would count twice."""
    agent = span("clerk", 1, operation="invoke_agent", model="large", input_tokens=9)
    call = span("clerk", 2, parent=1, operation="chat", model="large", input_tokens=9)
    tally = edge(fold([agent, call]), EdgeKind.MODEL, "clerk", "", "large")
    assert (tally.calls, tally.input_tokens) == (1, 9)


def test_a_message_that_nobody_takes_stays_missing() -> None:
    found = fold(
        [sends("web", number, "q") for number in range(1, 6)], [processes("a", 9, "q", parent=1, at=20)]
    )
    assert edge(found, EdgeKind.SEND, "web", "q").missing == 4


def test_a_batch_receiver_is_joined_with_each_of_its_senders() -> None:
    found = fold(
        [sends("web", 1, "q"), sends("mail", 2, "q", trace=2)],
        [processes("classify", 3, "q", trace=3, links=[(1, 1), (2, 2)], at=20)],
    )
    assert edge(found, EdgeKind.MESSAGE, "web", "q", "classify").calls == 1
    assert edge(found, EdgeKind.MESSAGE, "mail", "q", "classify").calls == 1


def test_receive_and_process_of_one_message_are_told_apart() -> None:
    found = fold(
        [
            sends("web", 1, "q", ms=0),
            receives("classify", 2, "q", parent=1, at=50, ms=1),
            processes("classify", 3, "q", parent=1, at=80, ms=40),
        ]
    )
    tally = edge(found, EdgeKind.MESSAGE, "web", "q", "classify")
    assert (tally.calls, tally.received, tally.rate) == (1, 1, 1)
    assert (tally.fetch.quantile(0.5) or 0) < (tally.wait.quantile(0.5) or 0)
    assert tally.duration.count == 1


def test_a_receiver_before_its_sender_is_a_clock_apart_and_no_wait() -> None:
    found = fold([sends("web", 1, "q", at=100), processes("classify", 2, "q", parent=1, at=0)])
    tally = edge(found, EdgeKind.MESSAGE, "web", "q", "classify")
    assert (tally.skewed, tally.wait.count) == (1, 0)


def test_a_call_between_agents_is_an_edge_and_one_inside_an_agent_is_none() -> None:
    def call(callee: str) -> Tallies:
        caller = span("web", 1, kind=SpanKind.CLIENT, peer="host")
        return fold([caller, span(callee, 2, parent=1, kind=SpanKind.SERVER, status=Status.ERROR)])

    tally = edge(call("store"), EdgeKind.CALL, "web", "", "store")
    assert (tally.calls, tally.errors) == (1, 1)
    assert EdgeKind.CALL not in kinds(call("web"))


def test_an_outside_service_is_what_a_client_calls_and_nobody_answers_for() -> None:
    found = fold([span("web", 1, kind=SpanKind.CLIENT, peer="bank.example")])
    assert edge(found, EdgeKind.SERVICE, "web", "", "bank.example").missing == 1


def test_models_and_tools_are_edges_with_their_tokens() -> None:
    model = span("web", 1, kind=SpanKind.CLIENT, model="large", input_tokens=70, output_tokens=7)
    found = fold([model, span("web", 2, tool="search", error_type="Timeout")])
    tally = edge(found, EdgeKind.MODEL, "web", "", "large")
    assert (tally.calls, tally.input_tokens, tally.output_tokens) == (1, 70, 7)
    assert edge(found, EdgeKind.TOOL, "web", "", "search").errors == 1
    assert EdgeKind.SERVICE not in kinds(found)


def test_an_agent_that_runs_another_in_its_own_process_calls_it_in_either_order() -> None:
    outer = span("boss", 1)
    inner = span("helper", 2, parent=1, operation="invoke_agent")
    for batches in ([[inner], [outer]], [[outer], [inner]], [[outer, inner]]):
        assert edge(fold(*batches), EdgeKind.CALL, "boss", "", "helper").calls == 1


STORY = [
    sends("web", 1, "in", ms=2),
    receives("classify", 2, "in", parent=1, at=30),
    processes("classify", 3, "in", parent=1, links=[(1, 1)], at=31),
    sends("classify", 4, "out", parent=3, at=40),
    processes("extract", 5, "out", trace=2, links=[(1, 4)], at=900, status=Status.ERROR),
    processes("extract", 6, "out", trace=2, links=[(1, 4)], at=1900),
    span("extract", 7, trace=2, parent=6, kind=SpanKind.CLIENT, peer="store"),
    span("store", 8, trace=2, parent=7, kind=SpanKind.SERVER),
    span("extract", 9, trace=2, parent=6, kind=SpanKind.CLIENT, model="large", input_tokens=5),
    span("planner", 10, trace=3),
    span("writer", 11, trace=3, parent=10, operation="invoke_agent"),
    sends("web", 12, "in", trace=4, at=70_000),
    processes("late", 13, "in", trace=5, links=[(1, 1), (4, 12), (9, 99)], at=71_000),
]


@given(st.permutations(STORY), st.lists(st.integers(0, len(STORY)), max_size=5))
def test_any_order_and_any_batches_give_the_same_edges(spans: list[Span], cuts: list[int]) -> None:
    ends = sorted({0, *cuts, len(spans)})
    batches = [spans[a:b] for a, b in itertools.pairwise(ends)]
    assert fold(*batches) == fold(STORY)
