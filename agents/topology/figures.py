"""What is said of a node and of a line, in figures for pages and programs. Pure.

Health is judged here and nowhere else, so that the graph, the table and the API never disagree.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from math import inf
from typing import Any

from agents.topology.graph import Line, Node, NodeKind
from agents.topology.sketch import Sketch, value_of
from agents.topology.values import Tally
from core import clock

# Shares of what went through: from here on it is worth a look, from there on it is broken.
WARN_ERRORS, BAD_ERRORS = 0.01, 0.1
WARN_MISSING, BAD_MISSING = 0.2, 0.8
# The newest messages are on their way and not missing yet: fewer than so many say nothing.
FEW = 3
SHARES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
# What goes in, and whether somebody was seen to take it.
HANDED_OVER = frozenset({"send"})


class Health(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"  # sent, and nobody was seen to take it
    IDLE = "idle"  # known, and nothing went through in this stretch of time


def of_node(node: Node, tally: Tally, minutes: int) -> dict[str, Any]:
    """A node's row."""
    handed_over = node.kind is NodeKind.QUEUE
    return {
        "id": node.id,
        "kind": node.kind.value,
        "name": node.name,
        "environment": node.environment,
        **_figures(tally, minutes, handed_over=handed_over),
        **_tokens(tally),
    }


def of_line(line: Line, tally: Tally, minutes: int) -> dict[str, Any]:
    """A line's row."""
    return {
        "id": line.id,
        "source": line.source.id,
        "target": line.target.id,
        "kind": line.kind,
        "queued": line.queued,
        "environment": line.source.environment,
        **_figures(tally, minutes, handed_over=line.kind in HANDED_OVER),
    }


def health(tally: Tally, *, handed_over: bool) -> Health:
    """How it stands, by what went wrong and by what never arrived."""
    if not tally.rate:
        return Health.IDLE
    missing = tally.missing / tally.calls if handed_over and tally.missing >= FEW else 0.0
    if missing >= BAD_MISSING:
        return Health.UNKNOWN
    errors = tally.errors / tally.rate
    if errors >= BAD_ERRORS:
        return Health.BAD
    return Health.WARN if errors >= WARN_ERRORS or missing >= WARN_MISSING else Health.OK


def quantiles(sketch: Sketch) -> dict[str, float | None]:
    """p50, p95 and p99 in milliseconds; None where nothing was measured. All in one walk over the buckets."""
    found: dict[str, float | None] = dict.fromkeys(name for name, _ in SHARES)
    if not sketch.buckets:
        return found
    last, seen = sketch.count - 1, 0
    wanted = iter(SHARES)
    name, share = next(wanted)
    for bucket in sorted(sketch.buckets):
        seen += sketch.buckets[bucket]
        while seen > share * last:
            found[name] = _ms(value_of(bucket))
            name, share = next(wanted, ("", inf))
    return found


def _figures(tally: Tally, minutes: int, *, handed_over: bool) -> dict[str, Any]:
    lasted = quantiles(tally.duration)
    waited = quantiles(tally.wait if tally.wait.buckets else tally.fetch)
    return {
        "state": health(tally, handed_over=handed_over).value,
        "rate": round(tally.rate / max(minutes, 1), 3),
        "errors": tally.errors,
        "error_ratio": round(tally.errors / tally.rate, 4) if tally.rate else 0.0,
        **{f"{name}_ms": value for name, value in lasted.items()},
        "wait_p50_ms": waited["p50"],
        "wait_p95_ms": waited["p95"],
        "missing": tally.missing if handed_over else 0,
        "skewed": tally.skewed,
        "last_seen": _moment(tally.last_seen),
    }


def _tokens(tally: Tally) -> dict[str, int]:
    return {"input_tokens": tally.input_tokens, "output_tokens": tally.output_tokens}


def _ms(nanoseconds: int) -> float:
    return float(f"{nanoseconds / 1e6:.3g}")


def _moment(nanoseconds: int) -> str | None:
    return clock.rfc3339(datetime.fromtimestamp(nanoseconds / 1e9, UTC)) if nanoseconds else None
