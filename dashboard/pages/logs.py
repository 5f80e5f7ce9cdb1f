"""Logs: what did the agents say, about this and around it?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.searches.values import SearchOf
from agents.spans import listing
from agents.spans.api import LogRecord, Page, Query
from agents.spans.language import QueryRefusedError
from agents.spans.services import store
from agents.spans.words import SEVERITIES
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from dashboard.api import logs as api
from dashboard.api import paging, telemetry
from dashboard.api.problems import ProblemError
from dashboard.api.trace_shapes import log_data
from dashboard.pages import agents_heard, frame, saved

# From the address to the search; the rest of the language goes into `q`.
NARROWING = ("severity", "agent", "trace", "message", "queue")
WORDS = {floor: word for word, floor in SEVERITIES.items()}
SHAPES = {"error": "bad", "fatal": "bad", "warn": "warn", "info": "info"}


@requires(Permission.SEE)
@require_safe
def logs(request: HttpRequest) -> HttpResponse:
    problems: dict[str, str] = {}
    tail = store().now_cursor() if not request.GET.get("cursor") else ""
    page = _page(request, problems)
    query = _as_query(request)
    context = {
        "q": request.GET.get("q", ""),
        "problems": problems,
        "page": page,
        "records": [_record(record) for record in page.rows] if page else [],
        "records_json": [log_data(record) for record in page.rows] if page else [],
        "tail": tail,
        "severities": [*SEVERITIES],
        "severity": request.GET.get("severity", ""),
        "narrowed": [(name, request.GET[name]) for name in NARROWING[1:] if request.GET.get(name)],
        "curl_path": f"{reverse('api-logs')}?{urlencode(query)}",
        "api_path": reverse("api-logs"),
        "api_query": urlencode(query | _since(request)),
        **saved.offered(request, SearchOf.LOGS),
        **_empty(request, page),
    }
    status = 400 if problems.keys() - {"store", "cursor"} else 200
    return render(request, "pages/logs.html", context, status=status)


def wanted(request: HttpRequest) -> Query:
    """The search in the address. A trace's or a message's logs are shown whenever they were; others in the
    frame's range, unless the search names a time."""
    given = {name: request.GET[name] for name in (*NARROWING, "q") if request.GET.get(name)}
    if given.get("severity") not in {None, *SEVERITIES}:
        given.pop("severity")
    search = api.wanted(given | {"environment": frame.environment_of(request)})
    if not _in_range(request):
        return search
    since = telemetry.nanoseconds(clock.now() - frame.range_of(request).length)
    return replace(search, since=max(search.since, since))


def _in_range(request: HttpRequest) -> bool:
    of_one = request.GET.get("trace") or request.GET.get("message")
    return not of_one and not telemetry.names_time(request.GET.get("q", ""))


def _page(request: HttpRequest, problems: dict[str, str]) -> Page[LogRecord] | None:
    asker = telemetry.asker(frame.subject_of(request))
    try:
        with telemetry.answering():
            return listing.logs(
                store(),
                wanted(request),
                limit=paging.limit_of(request),
                cursor=request.GET.get("cursor", ""),
                reach=asker.reach,
                seen=asker.log,
            )
    except ProblemError as refused:
        faults = refused.problem.faults
        name = faults[0].field if faults else "store"
        problems[name] = refused.problem.detail.removeprefix(f"{name}: ")
        return None


def _record(record: LogRecord) -> dict[str, Any]:
    word = severity_word(record.severity)
    moment = telemetry.moment(record.time)
    return log_data(record) | {"word": word, "shape": SHAPES.get(word, "unknown"), "moment": moment}


def severity_word(severity: int) -> str:
    """OTLP's 24 steps as the six words: the highest whose step it reaches."""
    return next((WORDS[floor] for floor in sorted(WORDS, reverse=True) if severity >= floor), "unset")


def _as_query(request: HttpRequest) -> dict[str, str]:
    given = {name: request.GET.get(name, "") for name in ("q", *NARROWING)}
    given["environment"] = frame.environment_of(request)
    return {name: value for name, value in given.items() if value}


def _since(request: HttpRequest) -> dict[str, str]:
    """Where the list of the page begins, for the pages of it that are fetched later."""
    try:
        limited = _in_range(request)
    except QueryRefusedError:
        return {}
    return {"since": clock.rfc3339(clock.now() - frame.range_of(request).length)} if limited else {}


def _empty(request: HttpRequest, page: Page[LogRecord] | None) -> dict[str, Any]:
    if page is None or page.rows:
        return {}
    nothing_at_all = not any(part.logs for part in store().days())
    lines = agents_heard.otel_lines(request.build_absolute_uri("/")) if nothing_at_all else ()
    return {"nothing_at_all": nothing_at_all, "otel_lines": "\n".join(lines)}
