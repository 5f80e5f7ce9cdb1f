"""One workflow: its usual path with quantiles a hop, its runs, what it cost."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.ledger import selectors as ledger
from agents.ledger.values import UNDER_WAY
from agents.prices import selectors as prices
from agents.prices.values import Book
from agents.topology import spending
from agents.topology.graph import Node, NodeKind
from agents.topology.models import WorkflowRow
from agents.topology.workflows import figures, selectors
from agents.topology.workflows.selectors import OneRun, Workflow
from agents.topology.workflows.values import RunState
from core.access.api import Permission
from core.access.routes import requires
from dashboard import packages
from dashboard.api import paging, telemetry
from dashboard.api.problems import ProblemError
from dashboard.api.topology import Span
from dashboard.api.workflows import one
from dashboard.charts import path
from dashboard.charts import workflow as charts
from dashboard.pages import frame
from dashboard.pages.costs import Spent, spent
from dashboard.pages.traces import quoted
from dashboard.pages.workflows import of_range

# By how many minutes a point of the charts stands for, the shortest range first.
STEPS = ((6 * 60, 1), (24 * 60, 10), (7 * 24 * 60 + 60, 60))


@requires(Permission.SEE)
@require_safe
def workflow(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    row = selectors.find(subject, id)
    if row is None:
        raise Http404
    span = of_range(request)
    step = next(step for longest, step in STEPS if span.until - span.since <= longest)
    found = one(row, span, step)
    hops = selectors.hops(subject, row, span.since, span.until)
    told = figures.of_hops(hops, found.tally.calls)
    context = {
        "workflow": figures.of_workflow(found, span.until - span.since),
        "row": row,
        "range": frame.range_of(request),
        "path": path.draw(row.agent, told, figures.of_agents(hops)),
        "hops": told,
        "figure": charts.of_workflow(found.parts, span.since, span.until, step),
        "plotly": packages.url(packages.PLOTLY),
        "spent": _spent(row, span),
        "curl_path": reverse("api-workflow", args=(row.uid,)),
        **_links(request, row),
        **_runs(request, row, span, found),
    }
    return render(request, "pages/workflow.html", context, status=400 if "problem" in context else 200)


def _spent(row: WorkflowRow, span: Span) -> list[Spent]:
    return spent(spending.of_cells(selectors.uses(row, span.since, span.until)), prices.book())


def _links(request: HttpRequest, row: WorkflowRow) -> dict[str, str]:
    node = Node(row.environment, NodeKind.AGENT, row.agent).id
    graph = urlencode({"group": "workflow", "node": node, "environment": row.environment})
    search = f"workflow:{quoted(row.name)}" if row.name else f"agent:{quoted(row.agent)}"
    return {
        "topology_url": f"{reverse('topology')}?{graph}",
        "traces_url": frame.carry(request, f"{reverse('traces')}?{urlencode({'q': search})}"),
    }


def _runs(request: HttpRequest, row: WorkflowRow, span: Span, found: Workflow) -> dict[str, Any]:
    given = request.GET.get("state", "")
    state = RunState(given) if given in {each.value for each in RunState} else None
    rows = selectors.runs(row, span.since, span.until, state, found.patience)
    try:
        page = paging.page(request, rows, ("-start", "-trace_id"))
    except ProblemError as refused:
        return {"runs": [], "problem": refused.problem.detail, "states": list(RunState), "asked_state": given}
    shown = [selectors.as_run(each, found.patience) for each in page.rows]
    messages, book = _messages(request, shown), prices.book()
    return {
        "runs": [_run(run, book, messages.get(run.id, "")) for run in shown],
        "next": page.next,
        "states": list(RunState),
        "asked_state": state.value if state else "",
    }


def _messages(request: HttpRequest, runs: list[OneRun]) -> dict[str, str]:
    """What is known of the messages of unfinished runs: spans alone do not say whether one waits, or is over and only
    its span was lost with the worker."""
    ids = [run.id for run in runs if run.state is RunState.UNFINISHED]
    known = ledger.states_by_trace(frame.subject_of(request), ids) if ids else {}
    return {id: _said(known[id]) if id in known else "no message of it is known" for id in ids}


def _said(states: Counter[str]) -> str:
    under_way = [f"{states[state]:,} {state}" for state in UNDER_WAY if states[state]]
    return ", ".join(under_way) or "all of its messages are over"


def _run(run: OneRun, book: Book, messages: str) -> dict[str, Any]:
    return {
        "run": run,
        "messages": messages,
        "started": telemetry.moment(run.start),
        "cost": book.cost(spending.of_run(run.uses)),
    }
