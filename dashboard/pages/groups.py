"""Groups of letters: what kinds of death are there, and which of them first?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.deadletters import groups as selectors
from agents.deadletters.groups import GroupFilter
from agents.deadletters.models import FailureGroup
from agents.deadletters.values import Triage
from core import clock
from core.access.api import Permission, Subject
from core.access.routes import requires
from dashboard.api import paging
from dashboard.api.problems import ProblemError
from dashboard.pages import doing, frame, group_rows

SORT_WORDS = {"last": "died last", "first": "new first", "deaths": "most deaths"}
TEXTS = ("q", "queue", "agent")


def any_yet(subject: Subject) -> bool:
    return selectors.visible_to(subject).exists()


def page(request: HttpRequest, more: dict[str, Any]) -> HttpResponse:
    """The page *Letters* while it shows groups; `more` is what both of its views show."""
    subject = frame.subject_of(request)
    asked = {name: request.GET.get(name, "").strip()[:300] for name in (*TEXTS, "triage", "show")}
    sort = request.GET.get("sort", "") if request.GET.get("sort") in selectors.ORDERS else "last"
    until = clock.now()
    since = until - frame.range_of(request).length
    context: dict[str, Any] = {
        "asked": asked,
        "filtered": any(asked[name] for name in TEXTS),
        "sort": sort,
        "sorts": list(SORT_WORDS.items()),
        "triages": list(Triage),
        "range": frame.range_of(request),
        "newest": _newest(subject),
        "actions": doing.offered(subject, "held"),
        **more,
    }
    try:
        found = paging.page(request, _rows(request, subject, asked), selectors.ORDERS[sort])
        context |= {"page": found, "lines": group_rows.lines(subject, list(found.rows), since, until)}
    except ProblemError as refused:
        context["problem"] = refused.problem.detail
    return render(request, "pages/groups.html", context)


@requires(Permission.SEE)
@require_safe
def newer(request: HttpRequest) -> HttpResponse:
    """How many groups came up since the list was drawn: they wait behind a link."""
    subject, query = frame.subject_of(request), request.GET.copy()
    after = _id(query.get("after", ""))
    rows = (
        selectors.visible_to(subject).filter(selectors.groups(GroupFilter(held=True)), pk__gt=after)
        if after
        else None
    )
    for name in ("after", "cursor"):
        query.pop(name, None)
    context = {
        "number": rows.count() if rows is not None else 0,
        "url": f"{reverse('letters')}?{query.urlencode()}",
        "route": reverse("letters-groups-newer"),
    }
    return render(request, "pages/letters_newer.html", context)


def _newest(subject: Subject) -> str:
    """The last group that came up; ids grow with time."""
    row = selectors.visible_to(subject).order_by("-pk").first()
    return str(row.pk if row else UUID(int=0))


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _rows(request: HttpRequest, subject: Subject, asked: dict[str, str]) -> QuerySet[FailureGroup]:
    """Those of which something is held, unless others are asked for."""
    wanted = GroupFilter(
        triage=asked["triage"] if asked["triage"] in {*Triage} else "",
        environment=frame.environment_of(request),
        held=asked["show"] != "any",
        q=asked["q"],
        queue=asked["queue"],
        agent=asked["agent"],
    )
    return selectors.visible_to(subject).filter(selectors.groups(wanted))
