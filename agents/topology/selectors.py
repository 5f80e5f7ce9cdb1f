"""What others ask of topology: the graph of a stretch of time, and how far it was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db.models import Q

from agents.topology.graph import Graph, Node, NodeKind, draw
from agents.topology.levels import Stretch, cover
from agents.topology.models import EdgeCell, EdgeRow, Reading
from agents.topology.rollups import tally_of
from agents.topology.values import Edge, EdgeKind, Tally
from core.access.api import Permission, Place, Subject, may


class Moment(NamedTuple):
    """One minute of one edge, for charts."""

    minute: int
    tally: Tally


def revision() -> int:
    """Rises with every change of the topology; 0 before the first."""
    return Reading.objects.values_list("revision", flat=True).first() or 0


def graph(subject: Subject, since: int, until: int, environment: str = "") -> Graph:
    """What the subject may see of the minutes [since, until). Nothing seen: an empty graph."""
    edges = _edges(subject, since, environment)
    found: dict[Edge, Tally] = {}
    for row in _cells(edges, cover(since, until)):
        found.setdefault(edges[row.edge_id], Tally()).add(tally_of(row))
    return draw(found, until - since)


def minutes_of(subject: Subject, node: Node, since: int, until: int) -> dict[Edge, list[Moment]]:
    """Minute by minute, every edge that touches a node."""
    edges = {
        pk: edge for pk, edge in _edges(subject, since, node.environment).items() if _touches(edge, node)
    }
    found: dict[Edge, list[Moment]] = {}
    for row in _cells(edges, [Stretch(1, since, until)]):
        found.setdefault(edges[row.edge_id], []).append(Moment(row.start, tally_of(row)))
    return found


def places(edge: Edge) -> Iterable[Place]:
    """Where an edge is: seeing one of its ends is enough to see it."""
    queue = edge.via or None
    for agent in (edge.source, edge.target if edge.kind not in OUTSIDE else ""):
        if agent:
            yield Place(edge.environment, queue, agent)


OUTSIDE = frozenset({EdgeKind.MODEL, EdgeKind.TOOL, EdgeKind.SERVICE})


def _edges(subject: Subject, since: int, environment: str) -> dict[int, Edge]:
    rows = EdgeRow.objects.filter(last_seen__gte=since * 60 * 10**9)
    if environment:
        rows = rows.filter(environment=environment)
    known = ((row.pk, _edge(row)) for row in rows.iterator())
    return {pk: edge for pk, edge in known if _visible(subject, edge)}


def _edge(row: EdgeRow) -> Edge:
    return Edge(row.environment, EdgeKind(row.kind), row.source, row.via, row.target)


def _visible(subject: Subject, edge: Edge) -> bool:
    return any(may(subject, Permission.SEE, place) for place in places(edge))


def _cells(edges: dict[int, Edge], stretches: Iterable[Stretch]) -> Iterator[EdgeCell]:
    wanted = Q()
    for stretch in stretches:
        wanted |= Q(level=stretch.level, start__gte=stretch.start, start__lt=stretch.end)
    if not edges or not wanted:
        return
    for row in EdgeCell.objects.filter(wanted).order_by("start").iterator(chunk_size=5_000):
        if row.edge_id in edges:
            yield row


def _touches(edge: Edge, node: Node) -> bool:
    if node.kind is NodeKind.AGENT:
        ends = {edge.source} if edge.kind in OUTSIDE else {edge.source, edge.target}
        return node.name in ends
    if node.kind is NodeKind.QUEUE:
        return edge.via == node.name and edge.kind in {EdgeKind.SEND, EdgeKind.MESSAGE}
    return edge.target == node.name and edge.kind.value == node.kind.value
