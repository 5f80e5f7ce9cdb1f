"""Workflows: what runs here, how often, how well, and what did not finish?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.topology.workflows import figures, selectors
from agents.topology.workflows.selectors import Workflow
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from dashboard.api.topology import Span, moment, stretch
from dashboard.charts import workflow as charts
from dashboard.pages import agents_heard, frame, status_words
from dashboard.pages.topology import heads

# A longer table is not read; the filters narrow it.
MOST_ROWS = 500
SORTS = ("name", "state", "rate", "done", "failing", "unfinished", "p50_ms", "p95_ms")
STATES = ("bad", "unknown", "warn", "ok")


@dataclass(frozen=True, slots=True)
class Row:
    """A workflow as the list shows it."""

    figures: dict[str, Any]
    spark: str
    # Another one has this name too: only what it begins with tells them apart.
    alike: bool = False


@requires(Permission.SEE)
@require_safe
def workflows(request: HttpRequest) -> HttpResponse:
    span = of_range(request)
    everything = rows_of(request, span)
    asked = {name: request.GET.get(name, "") for name in ("q", "state")}
    found = [row for row in everything if _fits(row, asked)]
    context = {
        "rows": _sorted(found, request.GET.get("sort", ""))[:MOST_ROWS],
        "count": len(found),
        "most": MOST_ROWS,
        "any": bool(everything),
        "asked": asked,
        "filtered": any(asked.values()),
        "counts": [(state, sum(row.figures["state"] == state for row in everything)) for state in STATES],
        "heads": heads(SORTS, request.GET.get("sort", "")),
        "range": frame.range_of(request),
        "curl_path": _curl_path(request, span),
        "otel_lines": "\n".join(agents_heard.otel_lines(request.build_absolute_uri("/"))),
    }
    return render(request, "pages/workflows.html", context)


@requires(Permission.SEE)
@require_safe
def newest(request: HttpRequest) -> JsonResponse:
    """The figures of the list alone, for a page that is open."""
    rows = rows_of(request, of_range(request))
    return JsonResponse({row.figures["id"]: {**row.figures, "spark": row.spark} for row in rows})


def rows_of(request: HttpRequest, span: Span) -> list[Row]:
    """Every workflow with runs in this time that the reader may see."""
    known = selectors.seen_by(frame.subject_of(request), frame.environment_of(request))
    return _told_apart([_row(each, span) for each in selectors.in_time(known, span.since, span.until)])


def _told_apart(rows: list[Row]) -> list[Row]:
    titles = Counter(row.figures["title"] for row in rows)
    return [replace(row, alike=titles[row.figures["title"]] > 1) for row in rows]


def of_range(request: HttpRequest) -> Span:
    """The minutes of the page's range, up to now."""
    until = -int(-clock.unix() // 60)
    return stretch(moment(until) - frame.range_of(request).length, moment(until))


def by_urgency(rows: list[Row]) -> list[Row]:
    """What hurts comes first, and then what runs most."""
    return sorted(rows, key=lambda row: (_urgency(row), -row.figures["runs"], row.figures["title"]))


def _row(workflow: Workflow, span: Span) -> Row:
    minutes = span.until - span.since
    return Row(figures.of_workflow(workflow, minutes), charts.spark(workflow.parts, span.since, span.until))


def _fits(row: Row, asked: dict[str, str]) -> bool:
    q = asked["q"].strip().casefold()
    words = (row.figures["title"], row.figures["agent"], row.figures["operation"])
    found = not q or any(q in word.casefold() for word in words)
    return found and (not asked["state"] or row.figures["state"] == asked["state"])


def _sorted(rows: list[Row], sort: str) -> list[Row]:
    name = sort.removeprefix("-")
    if name not in SORTS:
        return by_urgency(rows)
    keys: dict[str, Callable[[Row], Any]] = {
        "name": lambda row: row.figures["title"].casefold(),
        "state": _urgency,
    }
    key = keys.get(name, lambda row: -1.0 if row.figures[name] is None else row.figures[name])
    return sorted(rows, key=key, reverse=sort.startswith("-"))


def _urgency(row: Row) -> int:
    return status_words.URGENCY.index(status_words.shape(row.figures["state"]))


def _curl_path(request: HttpRequest, span: Span) -> str:
    query = {"environment": frame.environment_of(request), "since": clock.rfc3339(moment(span.since))}
    given = {name: value for name, value in query.items() if value}
    return f"{reverse('api-workflows')}?{urlencode(given)}"
