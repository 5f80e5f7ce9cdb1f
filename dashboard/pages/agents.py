"""Agents: who is there, in what state, and who can do what?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.registry import selectors
from agents.registry.selectors import Known
from agents.registry.values import State
from agents.topology import figures
from agents.topology import selectors as topology
from agents.topology.graph import Node, NodeKind
from core.access.api import Permission, Subject
from core.access.routes import requires
from dashboard.api.topology import stretch
from dashboard.live.agents import instances, versions
from dashboard.pages import agents_heard, frame, status_words
from dashboard.pages.topology import heads

# A longer table is not read; the filters narrow it.
MOST_ROWS = 500
SORTS = ("name", "state", "rate", "errors", "p95_ms", "last_seen")


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent as the list shows it; `traffic` is None where nothing went in the last minutes."""

    known: Known
    node: str
    traffic: dict[str, Any] | None

    @property
    def instances(self) -> str:
        return instances(self.known)

    @property
    def versions(self) -> str:
        return versions(self.known)

    def figure(self, name: str) -> float:
        return float((self.traffic or {}).get(name) or 0.0)


@requires(Permission.SEE)
@require_safe
def agents(request: HttpRequest) -> HttpResponse:
    subject, environment = frame.subject_of(request), frame.environment_of(request)
    rows = _rows(subject, environment)
    shown = _sorted([row for row in rows if _fits(request, row.known)], request.GET.get("sort", ""))
    asked = {name: request.GET.get(name, "") for name in ("q", "status", "capability")}
    context = {
        "rows": shown[:MOST_ROWS],
        "count": len(shown),
        "most": MOST_ROWS,
        "asked": asked,
        "filtered": any(asked.values()),
        "any": bool(rows),
        "states": list(State),
        "counts": [(state, sum(row.known.state is state for row in rows)) for state in State],
        "capabilities": sorted(
            {word for row in rows for each in row.known.offers for word in each.capabilities}
        ),
        "heads": heads(SORTS, request.GET.get("sort", "")),
        "curl_path": _curl_path(environment, asked),
        "otel_lines": "\n".join(agents_heard.otel_lines(request.build_absolute_uri("/"))),
    }
    return render(request, "pages/agents.html", context)


def traffic(subject: Subject, environment: str) -> dict[Node, dict[str, Any]]:
    """What went through each agent in the last minutes, as topology counted it."""
    span = stretch(None, None)
    graph = topology.graph(subject, span.since, span.until, environment)
    return {
        node: figures.of_node(node, tally, graph.minutes)
        for node, tally in graph.nodes.items()
        if node.kind is NodeKind.AGENT
    }


def node_of(known: Known) -> Node:
    return Node(known.agent.environment, NodeKind.AGENT, known.agent.agent_id)


def _rows(subject: Subject, environment: str) -> list[AgentRow]:
    found = selectors.seen_by(subject)
    if environment:
        found = found.filter(environment=environment)
    seen = traffic(subject, environment)
    return [AgentRow(known, node_of(known).id, seen.get(node_of(known))) for known in selectors.known(found)]


def _fits(request: HttpRequest, known: Known) -> bool:
    q = request.GET.get("q", "").strip().casefold()
    words = (known.agent.agent_id, known.agent.name, known.agent.owner)
    status, capability = request.GET.get("status", ""), request.GET.get("capability", "")
    return (
        (not q or any(q in word.casefold() for word in words))
        and (not status or known.state == status)
        and (not capability or any(capability in each.capabilities for each in known.offers))
    )


def _sorted(rows: list[AgentRow], sort: str) -> list[AgentRow]:
    """By the column asked for; else what wants a person comes first, and then by name."""
    keys: dict[str, Callable[[AgentRow], Any]] = {
        "name": lambda row: row.known.agent.agent_id.casefold(),
        "state": _urgency,
        "rate": lambda row: row.figure("rate"),
        "errors": lambda row: row.figure("error_ratio"),
        "p95_ms": lambda row: row.figure("p95_ms"),
        "last_seen": lambda row: row.known.agent.last_seen,
    }
    by_name = sorted(rows, key=keys["name"])
    key = keys.get(sort.removeprefix("-"), _urgency)
    return sorted(by_name, key=key, reverse=sort.startswith("-"))


def _urgency(row: AgentRow) -> int:
    return status_words.URGENCY.index(status_words.shape(row.known.state))


def _curl_path(environment: str, asked: dict[str, str]) -> str:
    query = {"environment": environment, "status": asked["status"], "capability": asked["capability"]}
    given = {name: value for name, value in query.items() if value}
    return f"{reverse('api-agents')}{'?' if given else ''}{urlencode(given)}"
