"""Overview: is everything fine, and if not, what first?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.alerts import selectors as alerts
from agents.alerts.models import Alert
from agents.intake import selectors as intake
from agents.intake.trouble import Trouble
from agents.operations import selectors as underway
from core import live_redis, processes
from core.access import selectors
from core.access.api import Decision, Permission, Subject, may
from core.access.audit import selectors as audit
from core.access.audit.models import Entry
from core.access.models import Approval
from core.access.routes import requires
from dashboard import demo_panel
from dashboard.pages import agents_heard, frame, letters, next_steps, operations, todo
from dashboard.pages.workflows import by_urgency, of_range, rows_of

RECENT = 8
RUNNING = 4


@requires(Permission.SEE)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    subject = frame.subject_of(request)
    approvals = selectors.waiting_for(subject)
    dying = next_steps.dying(subject, frame.environment_of(request))
    facts = _facts(request, approvals, dying)
    found = todo.todos(facts)
    context = {
        "verdict": todo.verdict(found),
        "todos": found,
        "processes": facts.processes,
        "approvals": approvals[:RECENT],
        "recent": _recent_audit(subject),
        "alerts": _alerts(subject),
        "running": [operations.running(each) for each in underway.open_(subject, RUNNING)],
        "dying": dying[:RECENT],
        "workflows": by_urgency(rows_of(request, of_range(request)))[:RECENT],
        "range": frame.range_of(request),
        "demo": demo_panel.panel(),
    }
    return render(request, "pages/overview.html", context)


def _facts(request: HttpRequest, approvals: list[Approval], dying: list[next_steps.Dying]) -> todo.Facts:
    subject = frame.subject_of(request)
    return todo.Facts(
        processes=processes.all(),
        troubles=_troubles(),
        approvals=len(approvals),
        approvals_since=approvals[0].asked_at if approvals else None,
        approvals_url=frame.carry(request, reverse("approvals")),
        heard=agents_heard.any_yet(),
        otel_lines=agents_heard.otel_lines(request.build_absolute_uri("/")),
        captures=tuple(each.trouble for each in letters.waiting()),
        alerts=tuple(alerts.firing(subject, todo.AT_MOST)),
        more=next_steps.of(subject, frame.environment_of(request), dying),
    )


def _troubles() -> list[Trouble]:
    """What keeps intake from writing. When Redis cannot be asked, the processes say so already."""
    try:
        return intake.troubles()
    except live_redis.Unreachable:
        return []


def _alerts(subject: Subject) -> list[tuple[Alert, Decision]]:
    """What is open, with whether this subject may say that they have it."""
    rows = alerts.open_(subject, RECENT)
    return [(row, may(subject, Permission.TRIAGE, row.place)) for row in rows]


def _recent_audit(subject: Subject) -> list[Entry] | None:
    """The latest entries; None for who may not read the trail."""
    if not may(subject, Permission.READ_AUDIT):
        return None
    return list(audit.entries(audit.Filter()).filter(audit.visible(subject))[:RECENT])
