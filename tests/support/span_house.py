"""The store that the settings name, empty before and after, and a trace of every kind to put into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from agents.spans import services
from agents.spans.api import Batch, LogRequest, Span, SpanStore
from agents.spans.values import LogRecord, SpanKind, Status, encode
from core import clock
from tests.support.traces import MS, START, link, processes, sends, span

SECRET = "the patient is called Jane"
GHOST_QUEUE = "archive.q"


@contextmanager
def empty_store() -> Iterator[SpanStore]:
    """The process's own store with nothing in it, at the time of the made-up traces."""
    store = services.store()
    with clock.held(datetime.fromtimestamp(START / 1e9 + 60, UTC)):
        clear(store)
        yield store
        clear(store)


def clear(store: SpanStore) -> None:
    for part in store.days():
        if part.day:
            store.drop_day(part.day)
    store.drop_astray(datetime(2100, 1, 1, tzinfo=UTC))
    store.close()


def story(trace: int = 1, at: int = 0) -> tuple[Span, ...]:
    """intake hands a document to extract, which asks a model, fails once, and sends on what nobody takes."""
    more: dict[str, Any] = {"trace": trace, "environment": "production"}
    chat = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": SECRET, "order.id": f"o-{trace}"}
    failure = {"exception.type": "TimeoutError", "exception.message": "the model took too long"}
    raised = [
        {"time": START + (at + 950) * MS, "name": "exception", "attributes": failure},
        {"time": START + (at + 800) * MS, "name": "gen_ai.user.message", "attributes": {"content": SECRET}},
    ]
    return (
        span("intake", 1, at=at, ms=120, name="POST /documents", kind=SpanKind.SERVER, **more),
        sends("intake", 2, "extract.q", parent=1, at=at + 100, ms=10, message_id=f"m-{trace}", **more),
        processes(
            "extract", 3, "extract.q", parent=2, at=at + 700, ms=600, message_id=f"m-{trace}",
            links=((trace, 2),), **more,
        ),
        span(
            "extract",
            4,
            parent=3,
            at=at + 750,
            ms=250,
            name="chat small-1",
            kind=SpanKind.CLIENT,
            model="small-1",
            operation="chat",
            input_tokens=1200,
            output_tokens=80,
            status=Status.ERROR,
            error_type="TimeoutError",
            attributes=encode(chat),
            events=encode(raised),
            **more,
        ),
        span(
            "extract", 5, parent=3, at=at + 1010, ms=240, name="chat small-1", model="small-1", operation="chat",
            kind=SpanKind.CLIENT, input_tokens=1200, output_tokens=140, attributes=encode(chat), **more,
        ),
        sends("extract", 6, GHOST_QUEUE, parent=3, at=at + 1260, ms=5, message_id=f"g-{trace}", **more),
    )  # fmt: skip


def line(of: Span, body: str, severity: int = 9, **more: object) -> LogRecord:
    time = of.start + 5 * MS
    return LogRecord(
        time, time, of.trace_id, of.span_id, severity, "", body, agent=of.agent, environment=of.environment, **more  # type: ignore[arg-type]
    )  # fmt: skip


def write(store: SpanStore, *spans: Span, logs: tuple[LogRecord, ...] = ()) -> None:
    digest = hashlib.sha256(repr(logs).encode()).digest()[:16]
    store.write(Batch(spans, (LogRequest(digest, logs),) if logs else ()))


__all__ = ["GHOST_QUEUE", "SECRET", "clear", "empty_store", "line", "link", "story", "write"]
