"""Writes the topology of a test's own console: `python -m tests.support.topology_writer STORY`.

Stories: `shop` has everything in it, `grown` adds an agent to it and `begun` a workflow, `line` is one long chain in an
environment of its own, and `large AGENTS EDGES` is a thicket.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from agents.spans.values import Span  # noqa: E402
from core import clock, hints  # noqa: E402
from tests.support import topology_rows, workflow_rows  # noqa: E402
from tests.support.traces import processes, sends, span  # noqa: E402

MINUTES = 30


def now() -> int:
    return topology_rows.begin(clock.unix())


def shop() -> Iterable[Span]:
    return topology_rows.shop(now() - MINUTES * topology_rows.MINUTE_MS, MINUTES)


def grown() -> Iterable[Span]:
    """One more agent that listens to a queue, and calls another."""
    at = now() - 2_000
    yield sends("web", 900_001, "intake.q", trace=900_001, at=at)
    yield processes("audit-copy", 900_002, "intake.q", trace=900_001, parent=900_001, at=at + 20)
    yield span("audit-copy", 900_003, trace=900_001, parent=900_002, at=at + 25, tool="grep")


def begun() -> Iterable[Span]:
    """One more workflow: another agent begins."""
    at = now() - 2_000
    yield sends("clerk", 910_001, "intake.q", trace=910_001, at=at)
    yield processes("audit-copy", 910_002, "intake.q", trace=910_001, parent=910_001, at=at + 20)


def line() -> Iterable[Span]:
    """Six agents in a row, with a queue between each two."""
    at, more = now() - 2_000, {"trace": 920_001, "environment": "line"}
    for number in range(5):
        first = 920_001 + 2 * number
        came = {"parent": first - 1} if number else {}
        yield sends(f"step-{number}", first, f"to-{number + 1}", at=at + 100 * number, **more, **came)
        yield processes(
            f"step-{number + 1}",
            first + 1,
            f"to-{number + 1}",
            parent=first,
            at=at + 100 * number + 20,
            **more,
        )


def large(agents: str, edges: str) -> Iterable[Span]:
    """So many agents in ten ranks that send to later ones, each pair through a queue nobody named."""
    chance, at = random.Random(7), now() - 30_000
    count = int(agents)
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < int(edges):
        one, other = sorted(chance.sample(range(count), 2))
        if other - one < count // 5:
            pairs.add((one, other))
    for number, (one, other) in enumerate(sorted(pairs)):
        trace = 1_000_000 + number
        yield sends(f"agent-{one:04}", 2 * number + 1, "", trace=trace, at=at)
        yield processes(
            f"agent-{other:04}", 2 * number + 2, "", trace=trace, parent=2 * number + 1, at=at + 20,
            error_type="ValueError" if other % 97 == 0 else "",
        )  # fmt: skip


STORIES: dict[str, Callable[..., Iterable[Span]]] = {
    "shop": shop,
    "grown": grown,
    "begun": begun,
    "line": line,
    "large": large,
}

if __name__ == "__main__":
    story, *rest = sys.argv[1:]
    spans = list(STORIES[story](*rest))
    topology_rows.write(spans)
    if story != "large":
        workflow_rows.write(spans)
    hints.hint("topology")
