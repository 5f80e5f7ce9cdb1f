"""Writes telemetry into a console's store, in a process: `python -m tests.support.telemetry_writer WHAT`."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
import random
from typing import Any

from agents.spans import services
from agents.spans.api import Batch, LogRequest, Span
from agents.spans.values import LogRecord, decode, encode
from core import clock
from tests.support import span_house
from tests.support.telemetry import MINUTE, SECOND, Maker
from tests.support.traces import START

LARGE = b"\x01" * 16
TOLD = ("took it up", "asked the model", "the model timed out, again", "stored the result")
SEVERITIES = (9, 9, 13, 17)
STORY_AGO = 4 * MINUTE


def write(spans: list[Span], records: list[LogRecord], digest: str) -> None:
    logs = (LogRequest(digest.encode().ljust(16), tuple(records)),) if records else ()
    services.store().write(Batch(tuple(spans), logs))


def demo() -> None:
    """Half an hour of fifteen agents, what they logged, and the story with its ghost."""
    now = int(clock.unix() * SECOND)
    spans = [*Maker(3).spans(1_200, now - 30 * MINUTE, now - MINUTE), *_story(now)]
    told = random.Random(3)
    records = []
    for span in spans[::4]:
        place = told.randrange(len(TOLD))
        records.append(span_house.line(span, f"{TOLD[place]} ({span.name})", SEVERITIES[place]))
    write(spans, records, "demo")


def _story(now: int) -> list[Span]:
    shift = now - STORY_AGO - START
    return [_moved(span, shift) for span in span_house.story()]


def _moved(span: Span, by: int) -> Span:
    events = span.events
    if events:
        events = encode([event | {"time": event["time"] + by} for event in decode(events)])
    return span._replace(start=span.start + by, events=events)


def large(count: str) -> None:
    """One trace of so many spans: agents that hand on, each with calls of its own."""
    start = int(clock.unix() * SECOND) - 20 * MINUTE
    parts = Maker(5).spans(int(count), start, start + 10 * MINUTE)
    root = Span(
        LARGE,
        b"\xff" * 8,
        b"",
        start - SECOND,
        SECOND,
        "nightly batch",
        agent="intake",
        environment="production",
    )
    spans = [root]
    for span in parts:
        spans.append(span._replace(trace_id=LARGE, parent_id=span.parent_id or root.span_id, links=b""))
        if len(spans) >= 5_000:
            write(spans, [], "")
            spans = []
    write(spans, [], "")


def more(body: str) -> None:
    """A new trace and a new line of a log."""
    now = int(clock.unix() * SECOND)
    spans = Maker(len(body) + now % 1_000).trace(now - SECOND)
    write(spans, [span_house.line(spans[0], body)], f"more {body}"[:16] + str(now))


COMMANDS: dict[str, Any] = {"demo": demo, "large": large, "more": more}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
