"""How a queue's figures read, on pages and in what keeps them live."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agents.queues.health import Standing, standing
from agents.queues.rates import outlook
from agents.queues.values import QueueState
from dashboard import words

NOT_KNOWN = "?"
KILO = 1024


def shown(queue: QueueState, now: datetime) -> dict[str, Any]:
    """A queue's row, as text."""
    return {
        "broker": queue.broker,
        "name": queue.name,
        "environment": queue.environment,
        "state": standing(queue, now).value,
        "depth": words.number(queue.depth),
        "in_hand": figure(queue.unacknowledged),
        "delayed": figure(queue.delayed),
        "age": age(queue),
        "consumers": figure(queue.consumers),
        "in": rate(queue.in_rate),
        "out": rate(queue.out_rate),
        "outlook": prospect(queue, now),
    }


def figure(value: int | None) -> str:
    return NOT_KNOWN if value is None else words.number(value)


def rate(value: float | None) -> str:
    """Messages a second: `12/s`, `0.4/s`."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}/s" if value >= 10 or not value else f"{value:.2g}/s"


def age(queue: QueueState) -> str:
    """How long the message waits that waits longest."""
    if not queue.depth:
        return "—"
    if queue.oldest_age_s is None:
        return NOT_KNOWN
    return f"{'≥ ' if queue.oldest_at_least else ''}{words.span(queue.oldest_age_s)}"


def size(value: int | None) -> str:
    """Bytes: `12 kB`."""
    if value is None:
        return NOT_KNOWN
    if value < KILO:
        return f"{value} B"
    return f"{value / KILO:.0f} kB" if value < KILO**2 else f"{value / KILO**2:.1f} MB"


# What is said where no rate is.
PROSPECTS = {
    Standing.UNREACHABLE: "not known",
    Standing.STALE: "not known",
    Standing.GONE: "the broker has no such queue any more",
    Standing.PAUSED: "paused: nobody takes from it",
    Standing.NOT_MOVING: "nothing is taken",
}
STILL = {"empty": "empty", "steady": "as many out as in"}


def prospect(queue: QueueState, now: datetime) -> str:
    """What becomes of it at this rate."""
    if said := PROSPECTS.get(standing(queue, now)):
        return said
    found = outlook(queue.depth, queue.growth)
    if found.kind == "growing":
        return f"growing: {rate(found.growth)} more in than out"
    if found.kind == "draining" and found.seconds is not None:
        return f"empty in {words.span(found.seconds)} at this rate"
    return STILL.get(found.kind, "not known yet")
