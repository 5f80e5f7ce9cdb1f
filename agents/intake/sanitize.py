"""What a sender says → what can be kept. Pure: a bad item is refused alone, an oversized one is cut and marked.

An item that needs nothing is returned as it is, so the usual one costs a few comparisons.
"""

from __future__ import annotations

from msgspec.structs import replace

from agents.intake import cut
from agents.intake.limits import MAX_NAME
from agents.intake.values import RawLog, RawSpan, Refused
from agents.spans.values import Flag, SpanKind, Status, encode

TRACE_ID, SPAN_ID = 16, 8
NO_TRACE_ID, NO_SPAN_ID = bytes(TRACE_ID), bytes(SPAN_ID)
MAX_KIND, MAX_STATUS, MAX_SEVERITY = max(SpanKind), max(Status), 24
MAX_TIME = (1 << 63) - 1

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
# Before 2000 no agent ran; more than a day ahead, or a span of a month, is a broken clock.
EARLIEST = 946_684_800 * SECOND
AHEAD, LONGEST = DAY, 31 * DAY


def span(given: RawSpan, now: int) -> RawSpan | Refused:
    """`now` in nanoseconds since 1970: what "absurd" is measured by."""
    if why := _fault(given):
        return Refused(why)
    marks = cut.needed(given)
    flags = _flags(given.start, given.end, now)
    if marks or flags or given.parent_span_id == NO_SPAN_ID or not _enums_known(given):
        return _mended(cut.span(given, marks) if marks else given, flags)
    return given


def log(given: RawLog, now: int) -> RawLog | Refused:
    """A record without a time takes the one at which it was observed, or now."""
    if len(given.trace_id) not in {0, TRACE_ID}:
        return Refused(f"its trace id is not {TRACE_ID} bytes")
    if len(given.span_id) not in {0, SPAN_ID}:
        return Refused(f"its span id is not {SPAN_ID} bytes")
    time = given.time or given.observed or now
    kept = cut.log(given)
    return replace(
        kept,
        trace_id=b"" if given.trace_id == NO_TRACE_ID else given.trace_id,
        span_id=b"" if given.span_id == NO_SPAN_ID else given.span_id,
        time=min(time, MAX_TIME),
        observed=min(given.observed or now, MAX_TIME),
        severity=given.severity if 0 <= given.severity <= MAX_SEVERITY else 0,
        severity_text=given.severity_text[:MAX_NAME],
        event_name=given.event_name[:MAX_NAME],
        flags=kept.flags | _flags(time, time, now) | (0 if given.time else Flag.TIME_GIVEN),
    )


def _fault(given: RawSpan) -> str:
    """Why a span cannot be kept at all, or nothing."""
    if len(given.trace_id) != TRACE_ID or given.trace_id == NO_TRACE_ID:
        return f"its trace id is not {TRACE_ID} bytes, or zero"
    if len(given.span_id) != SPAN_ID or given.span_id == NO_SPAN_ID:
        return f"its span id is not {SPAN_ID} bytes, or zero"
    if given.parent_span_id and len(given.parent_span_id) != SPAN_ID:
        return f"its parent span id is not {SPAN_ID} bytes"
    if given.end < given.start:
        return "it ends before it starts"
    return ""


def _enums_known(given: RawSpan) -> bool:
    return 0 <= given.kind <= MAX_KIND and 0 <= given.status <= MAX_STATUS


def _flags(start: int, end: int, now: int) -> int:
    absurd = start < EARLIEST or end > now + AHEAD or end - start > LONGEST
    return int(Flag.CLOCK_ABSURD) if absurd else 0


def _mended(given: RawSpan, flags: int) -> RawSpan:
    return replace(
        given,
        parent_span_id=b"" if given.parent_span_id == NO_SPAN_ID else given.parent_span_id,
        kind=given.kind if 0 <= given.kind <= MAX_KIND else 0,
        status=given.status if 0 <= given.status <= MAX_STATUS else 0,
        start=min(given.start, MAX_TIME),
        end=min(given.end, MAX_TIME),
        flags=given.flags | flags,
        # What was cut is encoded again; the rest is as it was.
        encoded=encode(given.attributes) if given.flags & Flag.ATTRIBUTES_CUT else given.encoded,
    )
