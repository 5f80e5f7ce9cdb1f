"""From what was seen on edges to a graph that can be drawn: nodes, lines, rates and latencies. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeVar

from agents.topology.values import Edge, EdgeKind, Tally


class NodeKind(StrEnum):
    AGENT = "agent"
    QUEUE = "queue"
    MODEL = "model"
    TOOL = "tool"
    SERVICE = "service"


class Node(NamedTuple):
    """One thing on the graph."""

    environment: str
    kind: NodeKind
    name: str

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.environment}/{self.name}"


class Line(NamedTuple):
    """What is drawn between two nodes. A message through a queue is a `send` and a `take` where queues are shown,
    and else a `message`: `queued` tells it from one whose queue nobody named.
    """

    kind: str
    source: Node
    target: Node
    queued: bool = False

    @property
    def id(self) -> str:
        return f"{self.kind}{'~' if self.queued else ''}:{self.source.id}>{self.target.id}"


@dataclass(slots=True)
class Graph:
    """Everything between two moments."""

    minutes: int
    nodes: dict[Node, Tally] = field(default_factory=dict)
    lines: dict[Line, Tally] = field(default_factory=dict)


K = TypeVar("K")

TARGETS = {EdgeKind.MODEL: NodeKind.MODEL, EdgeKind.TOOL: NodeKind.TOOL, EdgeKind.SERVICE: NodeKind.SERVICE}


def draw(found: Mapping[Edge, Tally], minutes: int) -> Graph:
    """The graph of these edges."""
    graph = Graph(minutes)
    for edge, tally in found.items():
        for node in nodes_of(edge, tally):
            graph.nodes.setdefault(node, Tally())
        for node, part in parts_of(edge, tally):
            _add(graph.nodes, node, part)
        for line in lines_of(edge, tally):
            _add(graph.lines, line, tally)
    return graph


def nodes_of(edge: Edge, tally: Tally) -> list[Node]:
    """Every node that an edge touches."""
    if edge.kind is EdgeKind.WORK:
        return [agent(edge, edge.target)]
    return [node for line in lines_of(edge, tally) for node in (line.source, line.target)]


def lines_of(edge: Edge, tally: Tally) -> list[Line]:
    """The lines that an edge is drawn as. An agent's own work is none."""
    source, queue = agent(edge, edge.source), Node(edge.environment, NodeKind.QUEUE, edge.via)
    if edge.kind is EdgeKind.WORK:
        return []
    if edge.kind is EdgeKind.SEND:
        # Nobody named the queue: then it only shows where something never arrived.
        return [Line("send", source, queue)] if edge.via or tally.missing else []
    target = agent(edge, edge.target)
    if edge.kind is EdgeKind.MESSAGE:
        whole = Line("message", source, target, queued=bool(edge.via))
        return [whole, Line("take", queue, target)] if edge.via else [whole]
    if edge.kind is EdgeKind.CALL:
        return [Line("call", source, target)]
    # A service that answers with spans of its own is an agent, and drawn as a call.
    if edge.kind is EdgeKind.SERVICE and not (edge.target and tally.missing):
        return []
    return [Line(edge.kind.value, source, Node(edge.environment, TARGETS[edge.kind], edge.target))]


def parts_of(edge: Edge, tally: Tally) -> list[tuple[Node, Tally]]:
    """What an edge says of nodes: of the agent that worked, of what was called, of the queue between."""
    queue = Node(edge.environment, NodeKind.QUEUE, edge.via)
    if edge.kind is EdgeKind.WORK:
        return [(agent(edge, edge.target), tally)]
    if edge.kind is EdgeKind.SEND and lines_of(edge, tally):
        return [(queue, Tally(calls=tally.calls, matched=tally.matched, last_seen=tally.last_seen))]
    if edge.kind is EdgeKind.MESSAGE and edge.via:
        return [(queue, Tally(last_seen=tally.last_seen, wait=tally.wait, fetch=tally.fetch))]
    if edge.kind in TARGETS and lines_of(edge, tally):
        return [(Node(edge.environment, TARGETS[edge.kind], edge.target), tally)]
    return []


def agent(edge: Edge, name: str) -> Node:
    return Node(edge.environment, NodeKind.AGENT, name)


def _add(into: dict[K, Tally], key: K, tally: Tally) -> None:
    into.setdefault(key, Tally()).add(tally)
