"""Messages: where is each of them, in what state, and since when?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.ledger import selectors
from agents.ledger.models import Ear, Gap, MessageRow
from agents.ledger.selectors import Wanted
from agents.ledger.services.ears import WayKind
from agents.ledger.values import STATES, moment
from agents.searches.values import SearchOf
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from dashboard.api import message_shapes, paging
from dashboard.api.message_shapes import MessageFilters, ahead_ms
from dashboard.api.messages import NEWEST_FIRST
from dashboard.api.paging import Page
from dashboard.api.problems import ProblemError
from dashboard.live.messages import holder, settled, tries
from dashboard.pages import agents_heard, frame, saved

# Beside the search; each is kept in the address and can be taken away.
NARROWING = ("queue", "agent", "sender", "workflow", "trace", "conversation", "broker")
AGES = (("", "any"), ("60", "1 min"), ("600", "10 min"), ("3600", "1 h"), ("86400", "1 d"))
EXAMPLE = '{"id": "0192-1", "kind": "sent", "at": "2026-11-26T14:03:12Z", "message_id": "inv-4711", "queue": "extract"}'


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the list shows it."""

    row: MessageRow
    state: str

    @property
    def since(self) -> datetime | None:
        return moment(self.row.since)

    @property
    def heard(self) -> datetime | None:
        return moment(self.row.heard)

    @property
    def holder(self) -> str:
        return holder(self.row)

    @property
    def tries(self) -> str:
        return tries(self.row)

    @property
    def settled(self) -> str:
        return settled(self.row)

    @property
    def what(self) -> str:
        """What it is about, in one word: its workflow or its task."""
        return self.row.workflow or self.row.task

    @property
    def error(self) -> str:
        found = message_shapes.fault_of(self.row.error)
        return ": ".join(part for part in (found["type"], found["message"]) if part) if found else ""

    @property
    def observed_only(self) -> bool:
        return selectors.is_observed_only(self.row)

    @property
    def ahead_ms(self) -> int | None:
        return ahead_ms(self.row)


@requires(Permission.SEE)
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    given, problems = _given(request)
    context: dict[str, Any] = {
        "given": given,
        "problems": problems,
        "states": STATES,
        "ages": AGES,
        "narrowed": [(name, given[name]) for name in NARROWING if given.get(name)],
        "curl_path": f"{reverse('api-messages')}?{urlencode(_as_query(request, given))}",
        "range_counts": not _is_of_one(given),
        **saved.offered(request, SearchOf.MESSAGES),
    }
    if not problems:
        context |= _shown(request, given)
    return render(request, "pages/messages.html", context, status=400 if problems.keys() - {"store"} else 200)


@requires(Permission.SEE)
@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """The states with their counts, as a part of the page: asked for anew when messages change."""
    given, problems = _given(request)
    found = _counts(request, given) if not problems else []
    return render(request, "pages/messages_counts.html", {"given": given, "counts": found})


# ---- What is asked for -----------------------------------------------------------------------------------------
def _given(request: HttpRequest) -> tuple[dict[str, Any], dict[str, str]]:
    names = ("q", "state", "age", *NARROWING)
    asked = {name: request.GET[name].strip() for name in names if request.GET.get(name, "").strip()}
    checked = MessageFilters(data=asked)
    if checked.is_valid():
        return {name: checked.validated_data[name] for name in asked}, {}
    return asked, {name: f"{name}: {' '.join(map(str, said))}" for name, said in checked.errors.items()}


def _is_of_one(given: dict[str, Any]) -> bool:
    """One thing's messages are shown whenever they were."""
    return bool(given.get("q") or given.get("trace") or given.get("conversation"))


def _wanted(request: HttpRequest, given: dict[str, Any]) -> Wanted:
    times: dict[str, Any] = {"environment": frame.environment_of(request)}
    if not _is_of_one(given):
        times["since"] = clock.now() - frame.range_of(request).length
    return message_shapes.wanted(given | times)


def _rows(request: HttpRequest, given: dict[str, Any]) -> QuerySet[MessageRow]:
    return selectors.find(frame.subject_of(request), _wanted(request, given))


# ---- What is shown ---------------------------------------------------------------------------------------------
def _shown(request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
    try:
        page = paging.page(request, _rows(request, given), NEWEST_FIRST)
        lines = [Line(*each) for each in zip(page.rows, selectors.shown_states(page.rows), strict=True)]
        return {
            "lines": lines,
            "page": page,
            "counts": _counts(request, given),
            "newest": not request.GET.get("cursor"),
            **_ears(request),
            **_empty(request, page),
        }
    except ProblemError as refused:
        return {"problems": {"cursor": refused.problem.detail}}
    except DatabaseError:
        return {"problems": {"store": "The ledger cannot be read now."}}


def _counts(request: HttpRequest, given: dict[str, Any]) -> list[tuple[str, int]]:
    """Every state that there is one in, whatever state the list is narrowed to."""
    every = {name: value for name, value in given.items() if name != "state"}
    found = selectors.counts(_rows(request, every))
    return [(state, found[state]) for state in STATES if found[state] or state == given.get("state")]


def _ears(request: HttpRequest) -> dict[str, Any]:
    """What may be missing from the list: brokers that cannot be heard now, and gaps within its time."""
    since = clock.now() - frame.range_of(request).length
    deaf: list[Ear] = [ear for ear in selectors.ears() if not ear.hears]
    gaps: list[Gap] = selectors.gaps(since)
    return {"deaf": deaf, "gaps": gaps, "celery": WayKind.CELERY}


def _empty(request: HttpRequest, page: Page[MessageRow]) -> dict[str, Any]:
    if page.rows:
        return {}
    nothing = not selectors.seen_by(frame.subject_of(request)).exists()
    lines = agents_heard.otel_lines(request.build_absolute_uri("/")) if nothing else ()
    address = request.build_absolute_uri("/api/v1/events")
    send = (
        f'curl -X POST -H "Authorization: Bearer $POSTROOM_TOKEN" -H "Content-Type: application/json" '
        f"-d '{EXAMPLE}' {address}"
    )
    return {"nothing_at_all": nothing, "otel_lines": "\n".join(lines), "send_line": send}


def _as_query(request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
    environment = frame.environment_of(request)
    return given | ({"environment": environment} if environment else {})
