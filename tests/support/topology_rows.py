"""Rows of the topology, made as the watcher makes them: spans, paired and rolled up."""

from __future__ import annotations

from collections.abc import Iterable

from agents.spans.values import Span
from agents.topology import places
from agents.topology.pairing import Tallies, Window
from agents.topology.rollups import Rollups
from tests.support.traces import START, processes, sends, span

MINUTE_MS = 60_000


def write(spans: Iterable[Span]) -> None:
    """Count these spans; what is there already stays."""
    found: Tallies = {}
    known = {each.trace_id + each.span_id: each for each in spans}
    Window(lambda keys: {key: known[key] for key in keys if key in known}).feed(known.values(), found)
    before = places.place()
    after = places.Place("", "", before.revision + 1)
    Rollups().write(found, before=before, after=after, token=1)


def begin(now: float) -> int:
    """`at` of a moment, for spans that tests want to be of today."""
    return int(now * 1000) - START // 1_000_000


def shop(at: int = 0, minutes: int = 5) -> list[Span]:
    """A story with everything in it: queues, a call, a model, a tool, errors, a wait, and work that nobody takes."""
    return [each for minute in range(minutes) for each in _minute(minute, at + minute * MINUTE_MS)]


def _minute(minute: int, at: int) -> Iterable[Span]:
    for number in range(6):
        base, when = 1000 * minute + 100 * number + 1, at + 9_000 * number
        yield from _order(1 + base, base, when, fails=number == 5)


def _order(trace: int, base: int, at: int, *, fails: bool) -> Iterable[Span]:
    yield span("web", base, trace=trace, at=at, ms=40)
    yield sends("web", base + 1, "intake.q", trace=trace, parent=base, at=at + 10, ms=2)
    yield processes("classify", base + 2, "intake.q", trace=trace, parent=base + 1, at=at + 60, ms=300)
    yield span(
        "classify", base + 3, trace=trace, parent=base + 2, at=at + 80, ms=200,
        model="claude-haiku", input_tokens=900, output_tokens=40,
    )  # fmt: skip
    yield sends("classify", base + 4, "extract.q", trace=trace, parent=base + 2, at=at + 300, ms=2)
    yield processes(
        "extract", base + 5, "extract.q", trace=trace, parent=base + 4, at=at + 900, ms=1200,
        error_type="ValueError" if fails else "",
    )  # fmt: skip
    yield span("extract", base + 6, trace=trace, parent=base + 5, at=at + 950, ms=80, tool="ocr")
    yield sends("extract", base + 7, "archive.q", trace=trace, parent=base + 5, at=at + 1900, ms=1)
