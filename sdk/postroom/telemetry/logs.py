"""Processors for structlog: which trace, which span, which message a line belongs to.

    structlog.configure(processors=[add_trace, add_message, structlog.processors.JSONRenderer()])

Standard logging has them as a filter: `handler.addFilter(Fields())`, then `%(trace_id)s` and `%(message_id)s`.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from opentelemetry import trace

Line = MutableMapping[str, Any]


def add_trace(_: Any, __: str, line: Line) -> Line:
    """`trace_id` and `span_id`, where a span is open."""
    found = trace.get_current_span().get_span_context()
    if found.is_valid:
        line.setdefault("trace_id", f"{found.trace_id:032x}")
        line.setdefault("span_id", f"{found.span_id:016x}")
    return line


def add_message(_: Any, __: str, line: Line) -> Line:
    """`message_id`, `queue`, `attempt` and `workflow`, where a message is handled."""
    from postroom.runtime.decisions import here

    if desk := here():
        came = desk.incoming
        line.setdefault("message_id", came.message_id)
        line.setdefault("queue", came.queue)
        line.setdefault("attempt", came.attempt)
        if came.workflow:
            line.setdefault("workflow", came.workflow)
    return line


class Fields(logging.Filter):
    """The same for standard logging; what there is not is empty."""

    def filter(self, record: logging.LogRecord) -> bool:
        fields = add_message(None, "", add_trace(None, "", {}))
        for name in ("trace_id", "span_id", "message_id", "queue", "attempt", "workflow"):
            setattr(record, name, fields.get(name, ""))
        return True
