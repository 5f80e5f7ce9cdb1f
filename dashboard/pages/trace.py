"""Trace: what happened, in what order, and what held it up?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.prices import selectors as prices
from agents.prices.values import said
from agents.spans import listing, payloads
from agents.spans.api import EVERYWHERE, Condition, LogRecord, Op, Query, Span, Trace
from agents.spans.services import store
from agents.spans.values import encode, trace_id_of
from agents.topology import anatomy, halves, spending
from agents.topology.workflows import selectors as workflows
from core import clock
from core.access.api import Permission, may
from core.access.routes import requires
from dashboard.api import telemetry
from dashboard.api.problems import ProblemError
from dashboard.api.trace_shapes import log_data, span_data
from dashboard.api.workflows import one
from dashboard.charts.compared import Difference, compare
from dashboard.charts.waterfall import error_of, waterfall
from dashboard.pages import frame
from dashboard.pages.costs import spent
from dashboard.pages.workflows import of_range
from dashboard.uncollected import uncollected

# A trace of up to so many spans comes with its page; a larger one is fetched by the page, whole.
WITH_PAGE = 2_000
# How many spans the plain table shows to a browser without scripts.
IN_TABLE = 200
MOST_LOGS = 1_000
# Of so many senders that nobody was seen to take from, other traces are asked.
GHOSTS_ASKED, SPANS_OF_MESSAGE = 20, 20
# `with` for a run of the same workflow that went as usual; and how many of the latest stand there to choose from.
USUAL, RUNS_BESIDE = "usual", 8


@requires(Permission.SEE)
@require_safe
def trace(request: HttpRequest, trace_id: str) -> HttpResponse:
    wanted = trace_id_of(trace_id)
    try:
        found = _read(request, wanted, WITH_PAGE) if wanted else Trace(())
    except ProblemError as refused:
        context = {"trace_id": trace_id, "problem": refused.problem}
        return render(request, "pages/trace_missing.html", context, status=refused.problem.status)
    if not found.spans or wanted is None:
        return render(request, "pages/trace_missing.html", {"trace_id": trace_id}, status=404)
    context = {"trace_id": wanted.hex(), **_shown(request, found), **_span_asked(request, wanted)}
    context |= _compared(request, found)
    return render(request, "pages/trace.html", context)


@requires(Permission.SEE)
@require_safe
def rows(request: HttpRequest, trace_id: str) -> HttpResponse:
    """All of a large trace, as its page draws it."""
    wanted = trace_id_of(trace_id)
    with uncollected():
        found = _read(request, wanted) if wanted else Trace(())
        if not found.spans:
            raise Http404
        drawn = _drawn(request, found.spans, anatomy.read(found.spans))
    return HttpResponse(encode(drawn | {"complete": found.complete}), content_type="application/json")


@requires(Permission.SEE)
@require_safe
def span(request: HttpRequest, trace_id: str, span_id: str) -> HttpResponse:
    """One span's details, as a part of the page."""
    wanted = trace_id_of(trace_id)
    context = _details(request, wanted, span_id) if wanted else {}
    if not context:
        raise Http404
    return render(request, "pages/trace_span.html", context)


# ---- Reading ---------------------------------------------------------------------------------------------------
def _asker(request: HttpRequest) -> telemetry.Asker:
    return telemetry.asker(frame.subject_of(request))


def _read(request: HttpRequest, trace_id: bytes, limit: int = 100_000) -> Trace:
    with telemetry.answering():
        return store().get_trace(trace_id, reach=_asker(request).reach, limit=limit)


def _logs(request: HttpRequest, *conditions: Condition, limit: int = MOST_LOGS) -> list[LogRecord]:
    asker = _asker(request)
    with telemetry.answering():
        found = listing.logs(store(), Query(conditions), limit=limit, reach=asker.reach, seen=asker.log)
    return list(reversed(found.rows))


def _elsewhere(request: HttpRequest, ghosts: Iterable[Span]) -> dict[bytes, str]:
    """For each message that was taken in another trace, the trace; so its sender is no ghost here."""
    found: dict[bytes, str] = {}
    for sender in [each for each in ghosts if each.message_id][:GHOSTS_ASKED]:
        same = Query((Condition("message_id", Op.IS, sender.message_id),))
        with telemetry.answering():
            page = store().search(same, limit=SPANS_OF_MESSAGE, reach=EVERYWHERE)
        takers = [each for each in page.rows if halves.is_receiving(each) and each.start >= sender.start]
        if takers:
            seen = _asker(request).reach(payloads.place_of(takers[0]))
            found[sender.span_id] = takers[0].trace_id.hex() if seen else ""
    return found


# ---- The page --------------------------------------------------------------------------------------------------
def _shown(request: HttpRequest, found: Trace) -> dict[str, Any]:
    read = anatomy.read(found.spans)
    summary = listing.sum_up(found, 0)
    book = prices.book()
    context = {
        "summary": summary,
        "started": telemetry.moment(summary.start),
        "anatomy": read,
        "bars": read.bars[:IN_TABLE],
        "waited": sum(piece.end - piece.start for piece in read.path if not piece.span_id),
        "spent": spent(spending.of_spans(found.spans), book),
        "input_tokens": sum(each.input_tokens for each in found.spans),
        "output_tokens": sum(each.output_tokens for each in found.spans),
        "failures": [(each, error_of(each)) for each in found.spans if listing.is_failed(each)][:IN_TABLE],
        "curl_path": reverse("api-trace", args=[summary.trace_id.hex()]),
        "logs_path": f"{reverse('logs')}?trace={summary.trace_id.hex()}",
    }
    if found.complete:
        context["drawn"] = _drawn(request, found.spans, read)
    return context


def _drawn(request: HttpRequest, spans: Sequence[Span], read: anatomy.Anatomy) -> dict[str, Any]:
    by_id = {each.span_id: each for each in spans}
    elsewhere = _elsewhere(request, (by_id[ghost.span_id] for ghost in read.ghosts))
    logs = _logs(request, Condition("trace_id", Op.IS, spans[0].trace_id.hex()))
    return waterfall(read, logs, elsewhere, int(clock.unix() * telemetry.SECOND), _costs(spans))


def _costs(spans: Iterable[Span]) -> dict[bytes, str]:
    """What each call of a model came to, where there is a price."""
    book = prices.book()
    if book.is_empty:
        return {}
    calls = ((each, book.cost([spending.of_span(each)])) for each in spans if each.model)
    return {each.span_id: " + ".join(said(cost)) for each, cost in calls if cost.amounts}


# ---- One span --------------------------------------------------------------------------------------------------
def _span_asked(request: HttpRequest, trace_id: bytes) -> dict[str, Any]:
    span_id = request.GET.get("span", "")
    return _details(request, trace_id, span_id) if span_id else {}


def _details(request: HttpRequest, trace_id: bytes, span_id: str) -> dict[str, Any]:
    """The details of a span, or nothing when it is not there for the asker."""
    asker, key = _asker(request), _key(trace_id, span_id)
    with telemetry.answering():
        found = store().find_spans([key]).get(key)
    if found is None or not asker.reach(payloads.place_of(found)):
        return {}
    logs = _logs(request, Condition("span_id", Op.IS, found.span_id.hex()), _of_trace(trace_id), limit=50)
    return {
        "trace_id": trace_id.hex(),
        "span": span_data(asker.span(found)),
        "span_started": telemetry.moment(found.start),
        "span_error": error_of(found) if listing.is_failed(found) else "",
        "span_logs": [log_data(record) for record in logs],
        "reads_payloads": asker.payloads(payloads.place_of(found)),
        "span_spent": spent(spending.of_spans([found]), prices.book()),
    }


def _of_trace(trace_id: bytes) -> Condition:
    return Condition("trace_id", Op.IS, trace_id.hex())


def _key(trace_id: bytes, span_id: str) -> bytes:
    try:
        return trace_id + bytes.fromhex(span_id)
    except ValueError:
        return b""


# ---- Beside another --------------------------------------------------------------------------------------------
def _compared(request: HttpRequest, here: Trace) -> dict[str, Any]:
    """`with`: another trace's id, or `usual` for a run of the same workflow that went as usual."""
    given = request.GET.get("with", "").strip()
    beside = _beside(request, here.spans[0].trace_id)
    if not given:
        return beside
    other = beside["usual"] if given == USUAL else trace_id_of(given)
    there = _read(request, other) if other else Trace(())
    if not there.spans:
        return {**beside, "with": given, "with_problem": _no_other(given)}
    whole = here if here.complete else _read(request, here.spans[0].trace_id)
    differences: list[Difference] = compare(whole.spans, there.spans)
    return {**beside, "with": given, "other": listing.sum_up(there, 0), "differences": differences}


def _no_other(given: str) -> str:
    if given == USUAL:
        return "This workflow has no other run that ended well. Name one by its id."
    return f"There is no trace {given} that you may see."


def _beside(request: HttpRequest, trace_id: bytes) -> dict[str, Any]:
    """The workflow that this trace is a run of, its usual run, and its latest ones to choose from."""
    nothing: dict[str, Any] = {"workflow": None, "usual": None, "beside": []}
    run = workflows.run_of(trace_id)
    row = workflows.workflow_of(run) if run else None
    if row is None or not may(frame.subject_of(request), Permission.SEE, workflows.place_of(row)):
        return nothing
    span = of_range(request)
    found = one(row, span)
    p50 = found.tally.duration.quantile(0.5) or 0
    usual = workflows.usual(row, trace_id, span.since, p50) if p50 else None
    rows = workflows.runs(row, span.since, span.until, None, found.patience)
    latest = rows.exclude(trace_id=trace_id.hex()).order_by("-start")[:RUNS_BESIDE]
    return {
        "workflow": found,
        "usual": usual,
        "beside": [(workflows.as_run(each, found.patience), telemetry.moment(each.start)) for each in latest],
    }
