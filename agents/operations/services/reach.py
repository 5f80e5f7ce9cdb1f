"""Who and what a redrive reaches: the agents after the one that gets the messages, their tools, about how long and at
what cost, by what was seen lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agents.operations.models import Plan, PlanPart
from agents.operations.values import Reach
from agents.topology import selectors as topology
from agents.topology.graph import Graph, Line, Node, NodeKind
from core import clock
from core.access.api import Subject

DAY_MINUTES = 24 * 60
FURTHEST = 30
ONWARD = ("message", "call")


def of(plan: Plan, parts: Sequence[PlanPart], subject: Subject, out_rate: float | None) -> Reach:
    """None where nobody knows."""
    first = [Node(part.environment, NodeKind.AGENT, part.agent) for part in parts if part.agent]
    until = int(clock.now().timestamp() // 60) + 1
    graph = topology.graph(subject, until - DAY_MINUTES, until)
    reached = _reached(first, graph.lines)
    rate = plan.how.rate or out_rate
    return Reach(
        agents=tuple(node.name for node in reached),
        tools=tuple(
            sorted(
                {line.target.name for line in graph.lines if line.kind == "tool" and line.source in reached}
            )
        ),
        seconds=round(plan.count / rate, 1) if rate else None,
        tokens=_tokens(plan.count, first, reached, graph),
    )


def _reached(first: Iterable[Node], lines: Mapping[Line, object]) -> list[Node]:
    """Those agents and who they send to, the nearest first."""
    found = list(dict.fromkeys(first))
    for node in found:
        for line in lines:
            onward = line.kind in ONWARD and line.source == node and line.target not in found
            if onward and len(found) < FURTHEST:
                found.append(line.target)
    return found


def _tokens(count: int, first: Sequence[Node], reached: Sequence[Node], graph: Graph) -> int | None:
    """What the agents used of models lately, by message that the first of them took; None without figures."""
    used = sum(
        tally.input_tokens + tally.output_tokens
        for line, tally in graph.lines.items()
        if line.kind == "model" and line.source in reached
    )
    taken = sum(graph.nodes[node].calls for node in set(first) if node in graph.nodes)
    return round(used / taken * count) if used and taken else None
