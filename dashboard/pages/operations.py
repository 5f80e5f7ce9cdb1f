"""Operations: what goes on now, and what there was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents.operations import selectors
from agents.operations.api import Action, State
from agents.operations.models import Operation
from agents.operations.values import OPEN
from core.access.api import Permission
from core.access.routes import requires
from dashboard.api import paging
from dashboard.api.problems import ProblemError
from dashboard.pages import frame
from dashboard.pages.operation import APPLYING, SENDING, bar

MOST_RUNNING = 50


@dataclass(frozen=True, slots=True)
class Running:
    """One that goes on, with its bar."""

    row: Operation
    bar: dict[str, int]
    quiet: set[Any]


@requires(Permission.SEE)
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    subject = frame.subject_of(request)
    asked = {name: request.GET.get(name, "").strip() for name in ("action", "state", "by")}
    rows = selectors.seen_by(subject).exclude(state__in=OPEN)
    given = {"action": asked["action"], "state": asked["state"], "by_name__icontains": asked["by"]}
    rows = rows.filter(**{name: value for name, value in given.items() if value})
    context: dict[str, Any] = {
        "running": [running(each) for each in selectors.open_(subject, MOST_RUNNING)],
        "asked": asked,
        "filtered": any(asked.values()),
        "actions": list(Action),
        "states": [state for state in State if state not in OPEN],
    }
    try:
        context["page"] = paging.page(request, rows, selectors.NEWEST)
    except ProblemError as refused:
        context["problem"] = refused.problem.detail
    return render(request, "pages/operations.html", context)


def running(row: Operation) -> Running:
    return Running(row, bar(row), SENDING if row.sends else APPLYING)
