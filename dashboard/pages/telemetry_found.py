"""What the search box finds of telemetry: a trace by its id, the traces of a message or of a conversation."""

from __future__ import annotations

from itertools import islice
from urllib.parse import urlencode

from django.urls import reverse

from agents.spans import listing
from agents.spans.api import Condition, Op, Query, StoreError, Trace
from agents.spans.selectors import reach_of
from agents.spans.services import store
from agents.spans.values import trace_id_of
from core.access.api import Permission, Subject, may
from dashboard import words
from dashboard.pages.search import Found

# The shortest text that is taken for an id; each is looked up whole.
SHORTEST = 6
BY_ID = (("message", "message_id"), ("conversation", "conversation_id"))


def traces(text: str, subject: Subject, at_most: int) -> list[Found]:
    """A trace by its id, in hex, also as it stands in a `traceparent`."""
    wanted = _trace_id(text)
    if wanted is None or not may(subject, Permission.SEE):
        return []
    try:
        found = store().get_trace(wanted, reach=reach_of(subject), limit=listing.SUMMED_UP)
    except StoreError:
        found = Trace(())
    return [_trace(listing.sum_up(found, 0))] if found.spans else []


def messages(text: str, subject: Subject, at_most: int) -> list[Found]:
    """The traces in which a message or a conversation of this id was seen."""
    if len(text) < SHORTEST or any(letter.isspace() for letter in text) or not may(subject, Permission.SEE):
        return []
    found = (one for kind, field in BY_ID for one in _by_id(kind, field, text, subject, at_most))
    return list(islice(found, at_most))


def _by_id(kind: str, field: str, wanted: str, subject: Subject, at_most: int) -> list[Found]:
    query = Query((Condition(field, Op.IS, wanted),))
    try:
        rows = listing.traces(store(), query, limit=at_most, reach=reach_of(subject)).rows
    except StoreError:
        return []
    url = f"{reverse('traces')}?{urlencode({'q': f'{kind}:{wanted}', 'range': '7d'})}"
    if len(rows) > 1:
        return [Found(f"{kind} {words.short_id(wanted)}", url, f"in {len(rows)} traces", "traces")]
    return [_trace(row, f"{kind} {words.short_id(wanted)} in ") for row in rows]


def _trace(row: listing.TraceRow, before: str = "") -> Found:
    took = f"{row.agent or 'nobody named'}, {words.took(row.duration)}, {row.state}"
    return Found(f"{before}{row.name}", reverse("traces-trace", args=[row.trace_id.hex()]), took, "traces")


def _trace_id(text: str) -> bytes | None:
    """`traceparent` is version-trace-span-flags."""
    parts = text.strip().split("-")
    return trace_id_of(parts[1] if len(parts) == 4 and len(parts[0]) == 2 else text)
