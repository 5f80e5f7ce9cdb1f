"""Spans and log records that carry a message's id, for the pages of a message and of a letter."""

from __future__ import annotations

from typing import Any

from agents.spans import listing
from agents.spans.api import Condition, LogRecord, Op, Query, Span, StoreError
from agents.spans.services import store
from agents.spans.values import Status
from core.access.api import Subject
from dashboard.api import telemetry
from dashboard.pages import logs

MOST = 20
# A span that names no status went well, as far as it says.
SPAN_WORDS = {Status.UNSET: "ok", Status.OK: "ok", Status.ERROR: "error"}


def of_message(subject: Subject, message_id: str, environment: str) -> dict[str, Any]:
    """The store may be away: the page is shown without them, and says so."""
    if not message_id:
        return {"spans": [], "records": []}
    asker = telemetry.asker(subject)
    query = Query((Condition("message_id", Op.IS, message_id), Condition("environment", Op.IS, environment)))
    try:
        spans = store().search(query, limit=MOST, reach=asker.reach)
        found = listing.logs(store(), query, limit=MOST, reach=asker.reach, seen=asker.log)
    except StoreError as problem:
        return {"telemetry_problem": str(problem)}
    return {"spans": [_span(each) for each in spans.rows], "records": [_record(each) for each in found.rows]}


def _span(span: Span) -> dict[str, Any]:
    return {
        "name": span.name,
        "agent": span.agent,
        "state": SPAN_WORDS[Status(span.status)],
        "took": span.duration,
        "at": telemetry.moment(span.start),
        "trace_id": span.trace_id.hex(),
    }


def _record(record: LogRecord) -> dict[str, Any]:
    word = logs.severity_word(record.severity)
    return {
        "word": word,
        "shape": logs.SHAPES.get(word, "unknown"),
        "body": record.body,
        "agent": record.agent,
        "at": telemetry.moment(record.time),
    }
