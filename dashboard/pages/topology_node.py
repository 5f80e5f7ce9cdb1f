"""The panel beside the graph: one node's figures, its minutes as charts, its neighbours and its instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from agents.prices import selectors as prices
from agents.registry.liveness import state_at
from agents.registry.models import Agent, Instance
from agents.registry.values import State
from agents.topology import figures, selectors, spending
from agents.topology.graph import Graph, Line, Node, NodeKind, draw, parts_of
from agents.topology.selectors import Moment
from agents.topology.values import Edge, Tally
from core import clock
from core.access.api import Permission, Place, Subject, may
from dashboard.api.topology import Span, is_drawn
from dashboard.charts import topology as charts
from dashboard.pages import frame
from dashboard.pages.costs import Spent, spent

# A chart of six hours by the minute still shows single minutes.
MOST_MINUTES = 360
MOST_NEIGHBOURS = 12


def context(request: HttpRequest, id: str, span: Span) -> dict[str, Any]:
    """Everything that the panel shows; `node` is None when there is none that the subject may see."""
    node = parse(id)
    subject = frame.subject_of(request)
    length = min(int(frame.range_of(request).length.total_seconds() // 60), MOST_MINUTES)
    history = selectors.minutes_of(subject, node, span.until - length, span.until) if node else {}
    if node is None or not history:
        return {"node": None, "node_id": id}
    graph = _graph(history, span)
    minutes = charts.Minutes(span.until - length, span.until, _by_minute(node, history))
    return {
        "node": figures.of_node(node, graph.nodes.get(node, Tally()), graph.minutes),
        "node_id": id,
        "figure": charts.of_node(minutes, is_queue=node.kind is NodeKind.QUEUE),
        "length": length,
        **_neighbours(graph, node),
        "instances": _instances(subject, node),
        "traces_url": _traces_url(request, node),
        "range": frame.range_of(request),
        "spent": _spent(request, node, span),
    }


def _spent(request: HttpRequest, node: Node, span: Span) -> list[Spent]:
    """What an agent used of models, or what was used of a model, in the page's range up to the moment shown."""
    if node.kind not in (NodeKind.AGENT, NodeKind.MODEL):
        return []
    if not may(frame.subject_of(request), Permission.SEE, selectors.place_of(node)):
        return []
    since = span.until - int(frame.range_of(request).length.total_seconds() // 60)
    which = {"agent": node.name} if node.kind is NodeKind.AGENT else {"model": node.name}
    return spent(spending.of_edges(node.environment, since, span.until, **which), prices.book())


def parse(id: str) -> Node | None:
    """A node from its id, `agent:production/extract`."""
    kind, _, rest = id.partition(":")
    environment, slash, name = rest.partition("/")
    if not slash or kind not in {each.value for each in NodeKind}:
        return None
    return Node(environment, NodeKind(kind), name)


def owners(subject: Subject) -> dict[str, str]:
    """Who owns which node, for grouping; agents that nobody owns are left out."""
    rows = Agent.objects.exclude(owner="").values_list("environment", "agent_id", "owner")
    return {
        Node(environment, NodeKind.AGENT, name).id: owner
        for environment, name, owner in rows
        if may(subject, Permission.SEE, Place(environment, None, name))
    }


def _graph(history: Mapping[Edge, list[Moment]], span: Span) -> Graph:
    """The node and its neighbours, of the minutes that the graph shows."""
    found = {edge: Tally() for edge in history}
    for edge, moments in history.items():
        for moment in moments:
            if span.since <= moment.minute < span.until:
                found[edge].add(moment.tally)
    return draw(found, span.until - span.since)


def _by_minute(node: Node, history: Mapping[Edge, list[Moment]]) -> dict[int, Tally]:
    """What the edges say of the node itself, minute by minute; an agent waits where its messages wait."""
    found: dict[int, Tally] = {}
    for edge, moments in history.items():
        for minute, tally in moments:
            for part in (part for about, part in parts_of(edge, tally) if about == node):
                found.setdefault(minute, Tally()).add(part)
            if node.kind is NodeKind.AGENT and edge.target == node.name and tally.wait.buckets:
                found.setdefault(minute, Tally()).wait.merge(tally.wait)
    return found


def _neighbours(graph: Graph, node: Node) -> dict[str, Any]:
    """Whom it hears and whom it calls, the busiest first."""
    lines = [(line, tally) for line, tally in graph.lines.items() if is_drawn(line, tally, True)]
    lines.sort(key=lambda each: (-each[1].rate, each[0]))
    heard = [_neighbour(line, line.source, tally, graph) for line, tally in lines if line.target == node]
    called = [_neighbour(line, line.target, tally, graph) for line, tally in lines if line.source == node]
    return {
        "heard": heard[:MOST_NEIGHBOURS],
        "called": called[:MOST_NEIGHBOURS],
        "more_heard": max(0, len(heard) - MOST_NEIGHBOURS),
        "more_called": max(0, len(called) - MOST_NEIGHBOURS),
    }


def _neighbour(line: Line, other: Node, tally: Tally, graph: Graph) -> dict[str, Any]:
    row = figures.of_line(line, tally, graph.minutes)
    return {**row, "other": other.id, "name": other.name or "unknown sender", "other_kind": other.kind.value}


def _instances(subject: Subject, node: Node) -> list[dict[str, Any]]:
    place = Place(node.environment, None, node.name)
    if node.kind is not NodeKind.AGENT or not may(subject, Permission.SEE, place):
        return []
    wanted = Instance.objects.filter(agent__environment=node.environment, agent__agent_id=node.name)
    found = wanted.select_related("agent").order_by("-last_beat", "instance_id")[:MOST_NEIGHBOURS]
    return [_instance(each) for each in found]


def _instance(row: Instance) -> dict[str, Any]:
    state = state_at(State(row.state), row.last_beat, row.agent.patience, clock.now())
    return {"id": row.instance_id, "state": state.value, "last_beat": row.last_beat, "version": row.version}


def _traces_url(request: HttpRequest, node: Node) -> str:
    """Where its traces are; of what sends no spans there are none."""
    if node.kind is not NodeKind.AGENT:
        return ""
    query = urlencode({"q": f'agent:"{node.name}"'})
    return frame.carry(request, f"{reverse('traces')}?{query}")
