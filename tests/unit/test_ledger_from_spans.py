"""What spans tell of messages and of A2A tasks."""

from __future__ import annotations

import random
from typing import Any

from agents.ledger import from_spans
from agents.ledger.fold import fold
from agents.ledger.values import Message, told
from agents.spans.values import Span, SpanKind, Status, encode
from tests.support.traces import START, processes, sends, span

MS = 1_000_000


def message(*spans: Span) -> Message:
    """Whatever order they come in."""
    events = [told(event, 1) for event in from_spans.events(spans, "default")]
    random.shuffle(events)
    return fold(events)


def of(found: Span, **changes: Any) -> Span:
    return found._replace(message_id="m-1", **changes)


def task(*states: str, ends: str = "", kind: int = SpanKind.SERVER) -> Span:
    events = [
        {"time": START + place * MS, "name": "a2a", "attributes": {"a2a.task.state": state}}
        for place, state in enumerate(states)
    ]
    own = {"a2a.task.id": "t-1", "a2a.context.id": "talk-7"} | ({"a2a.task.state": ends} if ends else {})
    return span("planner", 1, ms=100)._replace(attributes=encode(own), events=encode(events), kind=kind)


def test_a_sent_one_is_under_way_until_its_receiver_ends() -> None:
    sent = of(sends("web", 1, "extract.q"))
    assert (message(sent).state, message(sent).sender, message(sent).queue) == ("sent", "web", "extract.q")
    done = message(sent, of(processes("extract", 2, "extract.q", parent=1, at=5, ms=9)))
    assert (done.state, done.agent, done.sender) == ("succeeded", "extract", "web")


def test_a_failed_attempt_is_no_death() -> None:
    failed = message(of(processes("extract", 2, "q"), status=Status.ERROR, error_type="TimeoutError"))
    assert failed.state == "running"
    assert "TimeoutError" in failed.error


def test_a_task_that_waits_for_input_waits__and_goes_on() -> None:
    waits = message(task("submitted", "working", "input-required"))
    assert (waits.message_id, waits.state, waits.waits_for) == ("t-1", "waiting", "input-required")
    assert waits.conversation_id == "talk-7"
    again = message(task("submitted", "working", "TASK_STATE_INPUT_REQUIRED", "working"))
    assert (again.state, again.waits_for) == ("running", "")
    assert message(task("working", "auth-required", ends="completed")).state == "succeeded"


def test_a_state_that_nobody_knows_tells_nothing() -> None:
    assert not from_spans.events([task("dancing"), span("web", 1)], "default")


def test_the_same_span_tells_the_same_events() -> None:
    found = task("submitted", ends="failed")
    assert from_spans.events([found], "a") == from_spans.events([found], "a")
