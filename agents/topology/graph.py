"""From what was seen on edges to a graph that can be drawn: nodes, edges, rates and latencies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """What is drawn between two nodes. With queues shown, a `message` gives way to its `send` and `take`."""

    kind: str
    source: Node
    target: Node

    @property
    def id(self) -> str:
        return f"{self.source.id}>{self.target.id}"


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
        _draw_edge(graph, edge, tally)
    return graph


def _draw_edge(graph: Graph, edge: Edge, tally: Tally) -> None:
    if edge.kind is EdgeKind.WORK:
        _add(graph.nodes, _agent(edge, edge.target), tally)
        return
    for line in _lines(edge, tally):
        for node in (line.source, line.target):
            graph.nodes.setdefault(node, Tally())
        _add(graph.lines, line, tally)


def _lines(edge: Edge, tally: Tally) -> Iterable[Line]:
    source, queue = _agent(edge, edge.source), Node(edge.environment, NodeKind.QUEUE, edge.via)
    if edge.kind is EdgeKind.SEND:
        yield Line("send", source, queue)
    elif edge.kind is EdgeKind.MESSAGE:
        yield Line("message", source, _agent(edge, edge.target))
        if edge.via:
            yield Line("take", queue, _agent(edge, edge.target))
    elif edge.kind is EdgeKind.CALL:
        yield Line("call", source, _agent(edge, edge.target))
    # A service that answers with spans of its own is an agent, and drawn as a call.
    elif edge.kind is not EdgeKind.SERVICE or (edge.target and tally.missing):
        yield Line(edge.kind.value, source, Node(edge.environment, TARGETS[edge.kind], edge.target))


def _agent(edge: Edge, name: str) -> Node:
    return Node(edge.environment, NodeKind.AGENT, name)


def _add(into: dict[K, Tally], key: K, tally: Tally) -> None:
    into.setdefault(key, Tally()).add(tally)
