"""Topology: who talks to whom, and where does it hurt?

The graph is drawn by the browser, from the live topic or, for the past, from the API. The table and the panel
beside it are drawn here, and need no script.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.topology import selectors
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from dashboard import packages
from dashboard.api.topology import Span, as_rows, moment, stretch
from dashboard.pages import agents_heard, frame, status_words, topology_groups, topology_node

# A longer table is not read; the search narrows it.
MOST_ROWS = 500
GROUPS = {"": "nothing", "environment": "environment", "owner": "owner", "workflow": "workflow"}
NODE_SORTS = ("name", "kind", "rate", "errors", "p95_ms", "wait_p95_ms", "missing", "state")
EDGE_SORTS = ("from", "to", "rate", "errors", "p95_ms", "wait_p95_ms", "missing", "state")
TEXTS = frozenset({"name", "kind", "from", "to"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says; what it says wrong is left out and told in `problem`."""

    at: datetime | None
    queues: bool
    idle: bool
    group: str
    q: str
    node: str
    table: bool
    problem: str = ""

    @property
    def span(self) -> Span:
        """The minutes that are shown: the last five, or the five up to the moment asked for."""
        return stretch(None, self.at)


@requires(Permission.SEE)
@require_safe
def topology(request: HttpRequest) -> HttpResponse:
    asked = read(request)
    context: dict[str, Any] = {
        "asked": asked,
        "groups": GROUPS,
        "minutes": int(frame.range_of(request).length.total_seconds() // 60),
        "scripts": {"cytoscape": packages.url(packages.CYTOSCAPE), "plotly": packages.url(packages.PLOTLY)},
        "curl_path": f"{reverse('api-topology')}{_api_query(request, asked)}",
        "shapes": status_words.table(),
        "owners": topology_node.owners(frame.subject_of(request)),
        "workflows": topology_groups.workflows(request),
        "prices": topology_groups.prices(request),
        "heard": selectors.revision() > 0,
        "otel_lines": "\n".join(agents_heard.otel_lines(request.build_absolute_uri("/"))),
    }
    if asked.table:
        context |= _tables(request, asked)
        context |= topology_node.context(request, asked.node, asked.span) if asked.node else {}
    return render(request, "pages/topology.html", context)


@requires(Permission.SEE)
@require_safe
def node(request: HttpRequest) -> HttpResponse:
    """The panel alone, for the graph's side."""
    asked = read(request)
    context = {"asked": asked, **topology_node.context(request, asked.node, asked.span)}
    return render(request, "pages/topology_node.html", context, status=200 if context["node"] else 404)


def read(request: HttpRequest) -> Asked:
    given = request.GET
    at, problem = None, ""
    try:
        at = clock.parse(given["at"]) if given.get("at") else None
    except ValueError as wrong:
        problem = f"{wrong}. The graph shows now."
    return Asked(
        at=at,
        queues=given.get("queues") != "off",
        idle=given.get("idle") != "hide",
        group=given.get("group", "") if given.get("group") in GROUPS else "",
        q=given.get("q", "").strip(),
        node=given.get("node", ""),
        table=given.get("view") == "table",
        problem=problem,
    )


# ---- The table -------------------------------------------------------------------------------------------------
def _tables(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    span = asked.span
    environment = frame.environment_of(request)
    graph = selectors.graph(frame.subject_of(request), span.since, span.until, environment)
    rows = as_rows(graph, asked.queues)
    names = {each["id"]: each for each in rows["nodes"]}
    edges = [_with_ends(each, names) for each in rows["edges"]]
    nodes = [each for each in rows["nodes"] if _fits(asked, each, each["name"])]
    edges = [each for each in edges if _fits(asked, each, each["from"], each["to"])]
    return {
        "nodes": _sorted(nodes, request.GET.get("sort", ""), NODE_SORTS),
        "edges": _sorted(edges, request.GET.get("edges", ""), EDGE_SORTS),
        "counts": {"nodes": len(nodes), "edges": len(edges)},
        "node_heads": heads(NODE_SORTS, request.GET.get("sort", "")),
        "edge_heads": heads(EDGE_SORTS, request.GET.get("edges", "")),
        "until": moment(span.until),
        "most": MOST_ROWS,
    }


def _with_ends(edge: dict[str, Any], nodes: dict[str, Any]) -> dict[str, Any]:
    return {**edge, "from": nodes[edge["source"]]["name"], "to": nodes[edge["target"]]["name"]}


def _fits(asked: Asked, row: dict[str, Any], *names: str) -> bool:
    found = not asked.q or any(asked.q.casefold() in name.casefold() for name in names)
    return found and (asked.idle or row["state"] != "idle")


def _sorted(rows: list[dict[str, Any]], sort: str, allowed: tuple[str, ...]) -> list[dict[str, Any]]:
    """By the column asked for; else what hurts comes first, and then what carries most."""
    name = sort.removeprefix("-")
    if name not in allowed:
        return sorted(rows, key=lambda row: (_urgency(row), -row["rate"]))[:MOST_ROWS]
    key: Callable[[dict[str, Any]], Any] = lambda row: _value(row, name)  # noqa: E731 - one expression, used once
    return sorted(rows, key=key, reverse=sort.startswith("-"))[:MOST_ROWS]


def _value(row: dict[str, Any], name: str) -> Any:
    if name == "state":
        return _urgency(row)
    return row[name].casefold() if name in TEXTS else -1.0 if row[name] is None else row[name]


def _urgency(row: dict[str, Any]) -> int:
    """Where nothing goes through there is no trouble, though its shape is that of the unknown."""
    if row["state"] == "idle":
        return len(status_words.URGENCY)
    return status_words.URGENCY.index(status_words.shape(row["state"]))


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: what a click sorts by, and how it is sorted now."""

    name: str
    click: str
    now: str


def heads(names: tuple[str, ...], sort: str) -> dict[str, Head]:
    return {name: _head(name, sort) for name in names}


def _head(name: str, sort: str) -> Head:
    """Figures begin with the largest, names with the first."""
    first, second = (name, f"-{name}") if name in {*TEXTS, "state"} else (f"-{name}", name)
    now = {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
    return Head(name, second if sort == first else first, now)


def _api_query(request: HttpRequest, asked: Asked) -> str:
    query = {"environment": frame.environment_of(request), "queues": "" if asked.queues else "false"}
    if asked.at:
        query["until"] = clock.rfc3339(asked.at)
    given = {name: value for name, value in query.items() if value}
    return f"?{urlencode(given)}" if given else ""
