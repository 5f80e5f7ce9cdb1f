"""Traces: which runs were slow or failed, and what did they have in common?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.searches.values import SearchOf
from agents.spans import language, listing
from agents.spans.api import Facets, Query
from agents.spans.language import QueryRefusedError
from agents.spans.listing import Listed, TraceRow
from agents.spans.services import store
from agents.spans.words import SPAN_WORDS
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from dashboard.api import paging, telemetry
from dashboard.api.problems import ProblemError
from dashboard.api.trace_shapes import kind_word, status_word
from dashboard.charts.scatter import scatter
from dashboard.pages import agents_heard, frame, saved

# Counted beside the list; each value is a click that narrows the search.
FACETS = ("agent", "status", "workflow", "operation", "queue", "model", "error_type")
TOP = 6
POINTS = 100
EXAMPLES = ("status:error", "duration:>2s", "model:*", "queue:* -status:ok")


@dataclass(frozen=True, slots=True)
class Row:
    """A trace in the table; `share` is its bar, in percent."""

    trace: TraceRow
    share: float

    @property
    def id(self) -> str:
        return self.trace.trace_id.hex()

    @property
    def started(self) -> Any:
        return telemetry.moment(self.trace.start)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a facet: how it reads, how many spans carry it, and the search that is narrowed to it."""

    name: str
    spans: int
    share: float
    url: str
    chosen: bool


@requires(Permission.SEE)
@require_safe
def traces(request: HttpRequest) -> HttpResponse:
    """The list; counts and drawing come beside it a moment later, or with it when `counts` is asked."""
    problems: dict[str, str] = {}
    found = _found(request, problems)
    context = {
        "q": request.GET.get("q", ""),
        "problems": problems,
        "found": found,
        "rows": _rows(found.rows) if found else [],
        "examples": EXAMPLES,
        "reached": telemetry.moment(found.reached) if found and found.next else None,
        "curl_path": f"{reverse('api-traces')}?{urlencode(_as_query(request))}",
        "tail": store().now_cursor() if found and not request.GET.get("cursor") else "",
        **saved.offered(request, SearchOf.TRACES),
        **_empty(request, found),
    }
    if request.GET.get("counts") and not problems:
        context |= _around(request)
    return render(request, "pages/traces.html", context, status=400 if "q" in problems else 200)


@requires(Permission.SEE)
@require_safe
def around(request: HttpRequest) -> HttpResponse:
    """Counts by field and the drawing, as a part of the page."""
    try:
        return render(request, "pages/traces_around.html", _around(request))
    except (ProblemError, QueryRefusedError) as refused:
        return render(request, "pages/traces_around.html", {"around_problem": str(refused)})


@requires(Permission.SEE)
@require_safe
def newer(request: HttpRequest) -> JsonResponse:
    """How many traces with matching spans were committed after a cursor, for the live tail."""
    asker = telemetry.asker(frame.subject_of(request))
    try:
        with telemetry.answering():
            matches = listing.matcher(wanted(request), asker.reach, asker.span)
            since = store().read_since(request.GET.get("after", ""))
    except ProblemError as refused:
        return JsonResponse({"detail": refused.problem.detail}, status=refused.problem.status)
    ids = sorted({span.trace_id.hex() for span in since.rows if matches(span)})
    return JsonResponse({"traces": ids, "cursor": since.cursor, "more": since.more})


# ---- What is asked for -----------------------------------------------------------------------------------------
def wanted(request: HttpRequest) -> Query:
    """The search in the address. Without a time of its own, the frame's range."""
    text = request.GET.get("q", "")
    with telemetry.answering():
        own_time = telemetry.names_time(text)
        return telemetry.query_of(
            language.parse_spans,
            text,
            since=None if own_time else clock.now() - frame.range_of(request).length,
            environment=frame.environment_of(request),
        )


def _found(request: HttpRequest, problems: dict[str, str]) -> Listed | None:
    asker = telemetry.asker(frame.subject_of(request))
    try:
        with telemetry.answering():
            return listing.traces(
                store(),
                wanted(request),
                limit=paging.limit_of(request),
                cursor=request.GET.get("cursor", ""),
                reach=asker.reach,
                seen=asker.span,
            )
    except ProblemError as refused:
        faults = refused.problem.faults
        problems[faults[0].field if faults else "store"] = refused.problem.detail.removeprefix("q: ")
        return None


def _as_query(request: HttpRequest) -> dict[str, str]:
    given = {"q": request.GET.get("q", ""), "environment": frame.environment_of(request)}
    return {name: value for name, value in given.items() if value}


def _rows(rows: tuple[TraceRow, ...]) -> list[Row]:
    """The bars' lengths are logarithms: one nightly batch would make all others a point."""
    lengths = [math.log10(row.duration + 1_000) for row in rows]
    shortest, longest = min(lengths, default=0), max(lengths, default=0)
    spread = max(longest - shortest, 0.1)
    return [
        Row(row, 4 + 96 * (length - shortest) / spread) for row, length in zip(rows, lengths, strict=True)
    ]


def _empty(request: HttpRequest, found: Listed | None) -> dict[str, Any]:
    """Nothing here: is there nothing at all, or nothing of this kind?"""
    if found is None or found.rows:
        return {}
    nothing_at_all = not any(part.spans for part in store().days())
    lines = agents_heard.otel_lines(request.build_absolute_uri("/")) if nothing_at_all else ()
    return {"nothing_at_all": nothing_at_all, "otel_lines": "\n".join(lines)}


# ---- Around the list -------------------------------------------------------------------------------------------
def _around(request: HttpRequest) -> dict[str, Any]:
    query, asker = wanted(request), telemetry.asker(frame.subject_of(request))
    with telemetry.answering():
        found = listing.traces(store(), query, limit=POINTS, reach=asker.reach, seen=asker.span)
        countable = asker.may_count(query)
        counted = store().facets(query, FACETS, top=TOP, reach=asker.reach) if countable else None
    drawing = scatter(found.rows)
    return {
        "scatter": drawing,
        "scatter_since": telemetry.moment(drawing.since),
        "scatter_until": telemetry.moment(drawing.until),
        "counted": counted,
        "facets": _facets(request, counted) if counted else [],
    }


def _facets(request: HttpRequest, counted: Facets) -> list[tuple[str, list[Value]]]:
    words = {word.field: word.name for word in SPAN_WORDS}
    return [
        (words[field], [_value(request, words[field], *each, counted.total) for each in values])
        for field, values in counted.counts.items()
        if values
    ]


def _value(request: HttpRequest, word: str, raw: str, spans: int, total: int) -> Value:
    name = _named(word, raw)
    term = f"{word}:{quoted(name)}"
    text = request.GET.get("q", "")
    chosen = term in text.split()
    left = " ".join(each for each in text.split() if each != term) if chosen else f"{text} {term}".strip()
    kept = {key: request.GET[key] for key in frame.KEPT if request.GET.get(key)}
    url = f"{reverse('traces')}?{urlencode(kept | {'q': left})}"
    return Value(name, spans, 100 * spans / max(total, 1), url, chosen)


def _named(word: str, raw: str) -> str:
    if word == "status":
        return status_word(int(raw)) if raw.isdigit() else raw
    return kind_word(int(raw)) if word == "kind" and raw.isdigit() else raw


def quoted(value: str) -> str:
    plain = value and not any(letter.isspace() or letter in '"*<>\\' for letter in value)
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
