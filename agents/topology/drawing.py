"""A graph that is kept up edge by edge: only what an edge touches is worked out again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from agents.topology import figures
from agents.topology.graph import Line, Node, lines_of, nodes_of, parts_of
from agents.topology.values import Edge, Tally

K = TypeVar("K", Node, Line)
Parts = dict[K, dict[Edge, Tally]]


class Drawn(NamedTuple):
    """A row of the drawing: a node, or a line with the edges that it stands for."""

    thing: Node | Line
    edges: tuple[Edge, ...]
    data: dict[str, Any]


class Drawing:
    """Nodes and lines of so many minutes. `settle` says what changed since it was asked last."""

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._drawn_as: dict[Edge, tuple[Node | Line, ...]] = {}
        self._nodes: Parts[Node] = {}
        self._lines: Parts[Line] = {}
        self._touched: dict[Node | Line, None] = {}

    def put(self, edge: Edge, tally: Tally) -> None:
        """What the edge saw in these minutes, whole. The tally is kept and must not change any more."""
        self.drop(edge)
        nodes, lines = nodes_of(edge, tally), lines_of(edge, tally)
        for node in nodes:
            self._nodes.setdefault(node, {}).setdefault(edge, NOTHING)
        for node, part in parts_of(edge, tally):
            self._nodes.setdefault(node, {})[edge] = part
        for line in lines:
            self._lines.setdefault(line, {})[edge] = tally
        self._drawn_as[edge] = (*nodes, *lines)
        self._touched |= dict.fromkeys(self._drawn_as[edge])

    def drop(self, edge: Edge) -> None:
        """The edge is known no longer."""
        for thing in dict.fromkeys(self._drawn_as.pop(edge, ())):
            self._touched[thing] = None
            if isinstance(thing, Line):
                _take_away(self._lines, thing, edge)
            else:
                _take_away(self._nodes, thing, edge)

    def settle(self) -> tuple[dict[str, Drawn], set[str]]:
        """The rows that are new or different, and the ids of those that are gone."""
        drawn: dict[str, Drawn] = {}
        gone: set[str] = set()
        for thing in self._touched:
            parts = self._lines.get(thing) if isinstance(thing, Line) else self._nodes.get(thing)
            if parts:
                drawn[thing.id] = self._row(thing, parts)
            else:
                gone.add(thing.id)
        self._touched = {}
        return drawn, gone

    def _row(self, thing: Node | Line, parts: Mapping[Edge, Tally]) -> Drawn:
        whole = _sum(parts.values())
        if isinstance(thing, Line):
            return Drawn(thing, tuple(parts), figures.of_line(thing, whole, self._minutes))
        return Drawn(thing, tuple(parts), figures.of_node(thing, whole, self._minutes))


NOTHING = Tally()


def _take_away(parts: Parts[K], thing: K, edge: Edge) -> None:
    mine = parts.get(thing, {})
    mine.pop(edge, None)
    if not mine:
        parts.pop(thing, None)


def _sum(tallies: Iterable[Tally]) -> Tally:
    """Most things have one edge that says anything: its tally is taken as it is."""
    saying = [tally for tally in tallies if tally is not NOTHING]
    if len(saying) == 1:
        return saying[0]
    whole = Tally()
    for tally in saying:
        whole.add(tally)
    return whole
