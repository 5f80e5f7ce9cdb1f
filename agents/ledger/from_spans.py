"""What spans tell of messages: those with a message id, and A2A tasks. Pure.

A span says what is finished. So it is believed where nobody else told of a message, and it never says that one died:
an attempt that failed is an attempt that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from agents.ledger.values import Event, Fault, Kind, Source
from agents.spans.values import Span, SpanKind, Status, attributes_of, decode

LONGEST = 300
LONGEST_MESSAGE = 4_000
# The names under which frameworks put an A2A task on a span or on a span's event.
TASK = ("a2a.task.id", "a2a.task_id", "a2a.taskId")
STATE = ("a2a.task.state", "a2a.task_state", "a2a.task.status.state")
CONTEXT = ("a2a.context.id", "a2a.context_id", "a2a.contextId")
MARK = b'"a2a.'
WAITS = ("input-required", "auth-required")
A2A = {
    "submitted": Kind.SENT,
    "working": Kind.RUNNING,
    **dict.fromkeys(WAITS, Kind.WAITING),
    "completed": Kind.SUCCEEDED,
    "failed": Kind.DEAD,
    "rejected": Kind.REFUSED,
    "canceled": Kind.PURGED,
    "cancelled": Kind.PURGED,
}


class Step(NamedTuple):
    """A task's state at a moment (nanoseconds since 1970)."""

    task: str
    state: str
    context: str
    at: int


def events(spans: Iterable[Span], environment: str) -> list[Event]:
    """Everything that these spans tell; those that name no environment are of the given one."""
    found: list[Event] = []
    for span in spans:
        if span.message_id:
            found += _of_message(span, span.environment or environment)
        if MARK in span.attributes or MARK in span.events:
            found += _of_tasks(span, span.environment or environment)
    return found


def _of_message(span: Span, environment: str) -> Iterator[Event]:
    if span.step in {"create", "send"} or (not span.step and span.kind == SpanKind.PRODUCER):
        yield _event(span, environment, Kind.SENT, span.end, sender=span.agent[:LONGEST])
    elif span.step == "receive":
        yield _event(span, environment, Kind.RECEIVED, span.end, attempt=1, **_handler(span))
    elif span.step == "process" or (not span.step and span.kind == SpanKind.CONSUMER):
        failed = span.status == Status.ERROR
        more: dict[str, Any] = {"error": _fault(span), "duration_ms": span.duration / 1e6} if failed else {}
        yield _event(span, environment, Kind.RUNNING, span.start, attempt=1, **_handler(span), **more)
        if not failed:
            took = span.duration / 1e6
            yield _event(
                span, environment, Kind.SUCCEEDED, span.end, attempt=1, duration_ms=took, **_handler(span)
            )


def _of_tasks(span: Span, environment: str) -> Iterator[Event]:
    for step in _steps(span):
        kind = A2A[step.state]
        called = span.kind == SpanKind.CLIENT
        yield _event(
            span,
            environment,
            kind,
            step.at,
            step.state,
            message_id=step.task,
            conversation_id=step.context or span.conversation_id[:LONGEST],
            attempt=0 if kind is Kind.SENT else 1,
            waits_for=step.state if step.state in WAITS else "",
            queue="",
            **({"sender": span.agent[:LONGEST]} if called else _handler(span)),
        )


def _steps(span: Span) -> Iterator[Step]:
    """The states that the span's events name, and the one that it names itself, which it ended with."""
    own = attributes_of(span.attributes)
    found = [(own, span.end)]
    for each in decode(span.events) if MARK in span.events else ():
        said = each.get("attributes") or {}
        found.append((_with_ids(said, own), int(each.get("time") or span.start)))
    for said, at in found:
        task, state = _first(said, TASK), _state(_first(said, STATE))
        if task and state in A2A:
            yield Step(task, state, _first(said, CONTEXT), at)


def _with_ids(said: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """An event need not repeat whose it is."""
    return {name: own[name] for name in (*TASK, *CONTEXT) if name in own} | dict(said)


def _first(said: Mapping[str, Any], names: Iterable[str]) -> str:
    found = next((said[name] for name in names if said.get(name)), "")
    return found[:LONGEST] if isinstance(found, str) else ""


def _state(word: str) -> str:
    """As the protocol's JSON writes it; its protobuf writes TASK_STATE_INPUT_REQUIRED."""
    return word.lower().removeprefix("task_state_").replace("_", "-")


def _event(span: Span, environment: str, kind: Kind, at: int, tag: str = "", **facts: Any) -> Event:
    place = f"{span.trace_id.hex()}-{span.span_id.hex()}"
    known: dict[str, Any] = {
        "id": f"span-{place}-{tag or kind}-{at}",
        "kind": kind,
        "environment": environment,
        "at": datetime.fromtimestamp(at / 1e9, UTC),
        "message_id": span.message_id[:LONGEST],
        "queue": span.queue[:LONGEST],
        "workflow": span.workflow[:LONGEST],
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "conversation_id": span.conversation_id[:LONGEST],
        "source": Source.SPAN,
    }
    return Event(**known | facts)


def _handler(span: Span) -> dict[str, Any]:
    return {
        "agent": span.agent[:LONGEST],
        "instance": span.instance[:LONGEST],
        "version": span.version[:LONGEST],
    }


def _fault(span: Span) -> Fault:
    message = span.status_message[:LONGEST_MESSAGE]
    return Fault(class_="unknown", reason="exception", type=span.error_type[:LONGEST], message=message)
