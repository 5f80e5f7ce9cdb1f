"""A run is folded from spans in any order, and says of its workflow what the spans say."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from agents.spans.values import Span, SpanKind, Status
from agents.topology.values import Edge, EdgeKind
from agents.topology.workflows import run as runs
from agents.topology.workflows.passage import Said, say
from agents.topology.workflows.run import Run, taken_elsewhere
from agents.topology.workflows.values import (
    WHOLE,
    Key,
    Open,
    RunState,
    patience_of,
    shape_of,
    state_of,
)
from tests.support.traces import processes, receives, sends, span

PROD = "production"


def fold(spans: Iterable[Span]) -> Run:
    run = Run()
    for each in spans:
        run.take(each)
    return run


def said(*spans: Span) -> Said:
    return say(fold(spans))


def count(told: Said, edge: Edge, what: str) -> int:
    return sum(number for (_, on, name, _), number in told.marks.items() if (on, name) == (edge, what))


def message(source: str, queue: str, target: str) -> Edge:
    return Edge(PROD, EdgeKind.MESSAGE, source, queue, target)


def failing(agent: str, number: int, queue: str, **more: object) -> Span:
    return processes(agent, number, queue, status=Status.ERROR, **more)


ORDER = [
    span("web", 1, name="receive order", kind=SpanKind.SERVER, ms=40, workflow="orders"),
    sends("web", 2, "pay.q", parent=1, at=30, ms=5),
    processes("pay", 3, "pay.q", parent=2, links=[(1, 2)], at=100, ms=200),
    span("pay", 4, parent=3, at=120, ms=90, model="large", system="acme", input_tokens=70, output_tokens=7),
    sends("pay", 5, "ship.q", parent=3, at=290, ms=5),
    receives("ship", 6, "ship.q", parent=5, at=400, ms=1),
    processes("ship", 7, "ship.q", parent=5, at=410, ms=90),
    span("ship", 8, parent=7, at=420, name="pack"),
    span("label", 9, parent=8, at=425, operation="invoke_agent", ms=5),
]


def test_the_root_names_the_workflow() -> None:
    assert said(*ORDER).key == Key(PROD, "orders", "web", "receive order")


def test_a_run_lasts_until_its_last_work_and_not_until_its_root_ends() -> None:
    run = fold(ORDER)
    assert (run.end - run.start) // 1_000_000 == 500


def test_hops_are_told_with_their_waits_apart() -> None:
    told = said(*ORDER)
    for edge, calls in ((message("web", "pay.q", "pay"), 1), (message("pay", "ship.q", "ship"), 1)):
        assert (count(told, edge, "calls"), count(told, edge, "wait")) == (calls, 1)
    assert count(told, message("pay", "ship.q", "ship"), "received") == 1
    assert count(told, Edge(PROD, EdgeKind.CALL, "ship", "", "label"), "calls") == 1
    assert count(told, Edge(PROD, EdgeKind.MODEL, "pay", "acme", "large"), "input_tokens") == 70
    assert (count(told, WHOLE, "calls"), count(told, WHOLE, "errors")) == (1, 0)
    assert (told.failed, told.missing) == (False, Open.NOTHING)


@given(st.permutations(ORDER))
def test_any_order_gives_the_same_run(spans: list[Span]) -> None:
    assert fold(spans) == fold(ORDER)
    assert say(fold(spans)) == said(*ORDER)
    assert Run.load(fold(spans).dump()) == fold(ORDER)


def test_work_that_nobody_took_is_missing_until_another_trace_takes_it() -> None:
    sent = sends("web", 2, "q", parent=1)
    run = fold([span("web", 1), sent])
    assert say(run).missing == Open.RECEIVER
    for _, span_id, at in taken_elsewhere(processes("pay", 3, "q", trace=2, links=[(1, 2)])):
        run.note_taken(span_id, at)
    assert say(run).missing == Open.NOTHING
    assert count(say(run), Edge(PROD, EdgeKind.SEND, "web", "q", ""), "matched") == 1


def test_a_parent_that_has_not_ended_is_missing() -> None:
    assert said(span("web", 1), span("web", 3, parent=2, model="large")).missing == Open.PARENT
    assert said(span("web", 1), span("web", 2, parent=1), span("web", 3, parent=2)).missing == Open.NOTHING


def test_the_last_attempt_decides() -> None:
    begin = (span("web", 1), sends("web", 2, "q", parent=1))
    assert said(*begin, failing("pay", 3, "q", parent=2, at=50)).failed
    assert not said(
        *begin, failing("pay", 3, "q", parent=2, at=50), processes("pay", 4, "q", parent=2, at=90)
    ).failed
    assert said(
        *begin, processes("pay", 3, "q", parent=2, at=50), failing("pay", 4, "q", parent=2, at=90)
    ).failed


def test_a_message_that_was_sent_back_is_tried_again_and_not_failed() -> None:
    begin = (span("web", 1), sends("web", 2, "q", parent=1), failing("pay", 3, "q", parent=2, at=50))
    again = (sends("pay", 4, "q", parent=3, at=55), processes("pay", 5, "q", parent=4, at=90))
    assert not said(*begin, *again).failed


def test_an_error_that_somebody_handled_does_not_fail_the_run() -> None:
    run = fold([span("web", 1), span("web", 2, parent=1, kind=SpanKind.CLIENT, status=Status.ERROR)])
    assert (say(run).failed, run.errors) == (False, 1)
    assert said(span("web", 1, status=Status.ERROR)).failed


@given(st.permutations([span("web", number, parent=1, at=number) for number in range(2, 30)]))
def test_of_a_huge_trace_the_same_pieces_are_kept_in_any_order(spans: list[Span]) -> None:
    kept, runs.MOST_PIECES = runs.MOST_PIECES, 10
    try:
        run = fold([*spans[:20], ORDER[0], *spans[20:]])
        assert len(run.pieces) == 10
        assert {piece.start for piece in run.pieces.values()} == {
            ORDER[0].start,
            *sorted(each.start for each in spans)[:9],
        }
        assert say(run).missing == Open.NOTHING
    finally:
        runs.MOST_PIECES = kept


def test_particulars_do_not_make_a_shape() -> None:
    same = "GET /documents/*"
    assert shape_of("GET /documents/4711") == same
    assert shape_of("GET /documents/0f8fad5b-d9cb-469f-a165-70867728950e") == same
    assert shape_of("GET /documents/9f86d081884c7d659a2feaa0") == same
    assert shape_of("chat small-1") == "chat small-1"
    assert shape_of("step v2.1") == "step v2.1"


def test_states_follow_from_what_is_missing_and_how_long_it_is_silent() -> None:
    def state(missing: Open, silent: int, *, failed: bool = False) -> RunState:
        return state_of(failed=failed, missing=missing, silent=silent, patience=10)

    assert state(Open.NOTHING, 5) is RunState.OK
    assert (state(Open.RECEIVER, 5), state(Open.RECEIVER, 11)) == (RunState.RUNNING, RunState.UNFINISHED)
    assert (state(Open.PARENT, 5), state(Open.PARENT, 11)) == (RunState.RUNNING, RunState.OK)
    assert state(Open.RECEIVER, 11, failed=True) is RunState.FAILED
    assert patience_of(None) == 300 * 10**9
    assert patience_of(200 * 10**9) == 600 * 10**9
