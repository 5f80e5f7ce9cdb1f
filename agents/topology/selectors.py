"""What others ask of topology: the graph of a stretch of time, and how far it was read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from agents.topology import places as reading
from agents.topology.graph import Graph, Node, NodeKind, draw
from agents.topology.levels import Stretch, cover
from agents.topology.models import EdgeCell, EdgeRow
from agents.topology.rollups import COUNTS, SKETCHES, edge_of, tally_of
from agents.topology.values import MINUTE, Edge, EdgeKind, Tally
from core.access.api import Permission, Place, Subject, may

# For so many minutes an edge on which nothing goes is still drawn, as idle: a quiet night does not empty the graph.
KNOWN_FOR = 24 * 60


class Moment(NamedTuple):
    """One minute of one edge, for charts."""

    minute: int
    tally: Tally


def revision() -> int:
    """Rises with every change of the topology; 0 before the first."""
    return reading.place().revision


def graph(subject: Subject, since: int, until: int, environment: str = "") -> Graph:
    """What the subject may see of the minutes [since, until), with what was there the day before and is idle now.

    Nothing seen: an empty graph.
    """
    known = _edges(subject, since - KNOWN_FOR, until, environment)
    found = {each.edge: each.idle(until) for each in known.values()}
    for row in _cells(known, cover(since, until)):
        found[known[row.edge_id].edge].add(tally_of(row))
    return draw(found, until - since)


def minutes_of(subject: Subject, node: Node, since: int, until: int) -> dict[Edge, list[Moment]]:
    """Minute by minute, every edge that touches a node."""
    known = _edges(subject, since, until, node.environment)
    edges = {pk: each for pk, each in known.items() if _touches(each.edge, node)}
    found: dict[Edge, list[Moment]] = {each.edge: [] for each in edges.values()}
    for row in _cells(edges, [Stretch(1, since, until)]):
        found[edges[row.edge_id].edge].append(Moment(row.start, tally_of(row)))
    return found


def joined(since: datetime) -> list[Edge]:
    """Every edge on which anything went since then, whoever may see it: for Postroom's own conclusions."""
    return [edge_of(row) for row in EdgeRow.objects.filter(last_seen__gte=since.timestamp() * 1e9).iterator()]


def worked(since: int, until: int) -> dict[tuple[str, str], tuple[int, int]]:
    """By environment and agent: how much it was asked to do in the minutes [since, until), and how much of it failed;
    whoever may see it: for Postroom's own conclusions."""
    rows = EdgeRow.objects.filter(kind=EdgeKind.WORK, last_seen__gte=since * MINUTE)
    agents = {
        pk: (environment, agent) for pk, environment, agent in rows.values_list("pk", "environment", "target")
    }
    found: dict[tuple[str, str], tuple[int, int]] = {}
    cells = EdgeCell.objects.filter(level=1, start__gte=since, start__lt=until)
    for edge_id, calls, received, errors in cells.values_list(
        "edge_id", "calls", "received", "errors"
    ).iterator(5_000):
        if agent := agents.get(edge_id):
            before = found.get(agent, (0, 0))
            found[agent] = before[0] + max(calls, received), before[1] + errors
    return found


def places(edge: Edge) -> Iterable[Place]:
    """Where an edge is: seeing one of its ends is enough to see it."""
    queue = (edge.via or None) if edge.kind not in OUTSIDE else None
    for agent in (edge.source, edge.target if edge.kind not in OUTSIDE else ""):
        if agent:
            yield Place(edge.environment, queue, agent)


def place_of(node: Node) -> Place:
    """Where a node's own figures may be seen. Of what many agents call, only by whoever sees the environment."""
    if node.kind is NodeKind.AGENT:
        return Place(node.environment, None, node.name)
    return Place(node.environment, node.name if node.kind is NodeKind.QUEUE else None)


OUTSIDE = frozenset({EdgeKind.MODEL, EdgeKind.TOOL, EdgeKind.SERVICE})


class Known(NamedTuple):
    """An edge that has a row, and when it was seen last."""

    edge: Edge
    last_seen: int

    def idle(self, until: int) -> Tally:
        """Nothing in this stretch of time; when it was seen later than that, the past does not know it."""
        return Tally(last_seen=self.last_seen if self.last_seen < until * MINUTE else 0)


def _edges(subject: Subject, since: int, until: int, environment: str) -> dict[int, Known]:
    rows = EdgeRow.objects.filter(last_seen__gte=since * MINUTE, first_seen__lt=until * MINUTE)
    if environment:
        rows = rows.filter(environment=environment)
    known = {row.pk: Known(edge_of(row), row.last_seen) for row in rows.iterator()}
    return {pk: each for pk, each in known.items() if _visible(subject, each.edge)}


def _visible(subject: Subject, edge: Edge) -> bool:
    return any(may(subject, Permission.SEE, place) for place in places(edge))


def _cells(edges: Container[int], stretches: Iterable[Stretch]) -> Iterator[Any]:
    """The cells of these edges, as values: whole objects of them cost more than all the rest."""
    wanted = Q()
    for stretch in stretches:
        wanted |= Q(level=stretch.level, start__gte=stretch.start, start__lt=stretch.end)
    if not wanted:
        return
    cells = EdgeCell.objects.filter(wanted).order_by("start")
    for row in cells.values_list("edge_id", "start", *COUNTS, *SKETCHES, named=True).iterator(5_000):
        if row.edge_id in edges:
            yield row


def _touches(edge: Edge, node: Node) -> bool:
    if node.kind is NodeKind.AGENT:
        ends = {edge.source} if edge.kind in OUTSIDE else {edge.source, edge.target}
        return node.name in ends
    if node.kind is NodeKind.QUEUE:
        return edge.via == node.name and edge.kind in {EdgeKind.SEND, EdgeKind.MESSAGE}
    return edge.target == node.name and edge.kind.value == node.kind.value
