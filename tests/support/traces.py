"""Spans as tests need them: short to write, and of one story."""

from __future__ import annotations

from typing import Any

from agents.spans.values import Span, SpanKind, encode

START = 1_795_000_000_000_000_000
MS = 1_000_000


def span(
    agent: str, number: int, *, trace: int = 1, parent: int = 0, at: int = 0, ms: int = 10, **more: Any
) -> Span:
    """A span of an agent; `at` and `ms` in milliseconds, `links` as (trace, span) numbers."""
    links = more.pop("links", ())
    return Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        parent_id=parent.to_bytes(8, "big") if parent else b"",
        start=START + at * MS,
        duration=ms * MS,
        name=more.pop("name", f"{agent} {number}"),
        agent=agent,
        environment=more.pop("environment", "production"),
        links=encode([link(*each) for each in links]) if links else b"",
        **more,
    )


def link(trace: int, number: int) -> dict[str, str]:
    return {"trace_id": trace.to_bytes(16, "big").hex(), "span_id": number.to_bytes(8, "big").hex()}


def sends(agent: str, number: int, queue: str, **more: Any) -> Span:
    return span(agent, number, kind=SpanKind.PRODUCER, queue=queue, step="send", **more)


def processes(agent: str, number: int, queue: str, **more: Any) -> Span:
    return span(agent, number, kind=SpanKind.CONSUMER, queue=queue, step="process", **more)


def receives(agent: str, number: int, queue: str, **more: Any) -> Span:
    return span(agent, number, kind=SpanKind.CONSUMER, queue=queue, step="receive", **more)
