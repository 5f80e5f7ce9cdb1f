"""Alerts: what should somebody know about now? Who has it, and why does it fire?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agents.alerts import selectors
from agents.alerts.models import Alert
from agents.alerts.services import raising
from agents.alerts.services.managing import may_manage
from agents.alerts.signals import ABOUT
from agents.alerts.values import BY_SEVERITY, OPEN, Signal, State
from agents.alerts.wording import figure, lasting
from core.access.api import Decision, Permission, Scope, Subject, may
from core.access.routes import requires
from core.access.services import Actor, of_request
from core.transitions import StaleStateError
from dashboard.charts.alert_series import Measured, Series, series
from dashboard.live.alerts import measured
from dashboard.pages import frame

MOST_ROWS = 200
# What the list shows: what is open, one state, or everything.
VIEWS = {
    "open": OPEN,
    "firing": (State.FIRING,),
    "acknowledged": (State.ACKNOWLEDGED,),
    "pending": (State.PENDING,),
}
VIEWS |= {"cleared": (State.CLEARED,), "any": tuple(State)}
BACK = frozenset({"overview", "alerts", "alerts-alert"})


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as the list shows it, with whether this subject may say that they have it."""

    alert: Alert
    triage: Decision

    @property
    def measured(self) -> str:
        return measured(self.alert)


@requires(Permission.SEE)
@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    subject, view = frame.subject_of(request), request.GET.get("view", "open")
    view = view if view in VIEWS else "open"
    found = _found(request, subject, view)
    context = {
        "rows": [
            AlertRow(alert, may(subject, Permission.TRIAGE, alert.place)) for alert in found[:MOST_ROWS]
        ],
        "count": found.count(),
        "most": MOST_ROWS,
        "view": view,
        "views": list(VIEWS),
        "severity": request.GET.get("severity", ""),
        "severities": [str(each) for each in reversed(BY_SEVERITY)],
        "q": request.GET.get("q", ""),
        "filtered": any(request.GET.get(name) for name in ("severity", "q", "queue", "agent", "rule")),
        "narrowed": [
            (name, request.GET[name]) for name in ("queue", "agent", "rule") if request.GET.get(name)
        ],
        "curl_path": _curl_path(request, view),
    }
    return render(request, "pages/alerts.html", context)


@requires(Permission.SEE)
@require_safe
def alert(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    found = _one(request, id)
    folded = selectors.seen_by(subject).filter(under=found, state__in=OPEN)
    context = {
        "alert": found,
        "measured": measured(found),
        "why": _why(found),
        "chart": _chart(found),
        "triage": may(subject, Permission.TRIAGE, found.place),
        "manage": may_manage(subject, scope_of(found)),
        "changes": selectors.changes_of(found),
        "folded": folded.order_by("first_raised_at")[:MOST_ROWS],
        "notices": selectors.notices_of(found),
        "scope": scope_of(found),
        "is_open": found.state in OPEN,
        "api_path": reverse("api-alert", args=(found.pk,)),
    }
    return render(request, "pages/alert.html", context)


@requires(Permission.TRIAGE)
@require_POST
def acknowledge(request: HttpRequest, id: UUID) -> HttpResponse:
    return _step(request, id, raising.acknowledge, "You have it")


@requires(Permission.TRIAGE)
@require_POST
def clear(request: HttpRequest, id: UUID) -> HttpResponse:
    return _step(request, id, raising.clear, "Cleared")


def scope_of(alert: Alert) -> Scope:
    """What a silence of just this alert's place would cover. Letters that mean something in a pattern match
    themselves."""
    return Scope(*(_literal(part) for part in (alert.environment, alert.queue, alert.agent)))


def _literal(text: str) -> str:
    return "".join("?" if letter in "*?[]," else letter for letter in text) or "*"


def _found(request: HttpRequest, subject: Subject, view: str) -> Any:
    same = {
        name: request.GET[given]
        for given, name in (
            ("environment", "environment"),
            ("severity", "severity"),
            ("queue", "queue"),
            ("agent", "agent"),
            ("rule", "rule__name"),
        )
        if request.GET.get(given)
    }
    rows = selectors.seen_by(subject).filter(state__in=VIEWS[view], **same)
    if q := request.GET.get("q", "").strip():
        rows = rows.filter(Q(title__icontains=q) | Q(detail__icontains=q) | Q(error__icontains=q))
    rows = rows.select_related("rule", "silence", "under")
    if view in {"cleared", "any"}:
        return rows.order_by("-since", "-pk")
    return rows.order_by(selectors.FIRING_FIRST, selectors.WORST_FIRST, "first_raised_at")


def _one(request: HttpRequest, id: UUID) -> Alert:
    found = selectors.one(frame.subject_of(request), id)
    if found is None:
        raise Http404
    return found


def _why(alert: Alert) -> dict[str, str] | None:
    """What its rule looks for, in words; None for what an agent raised."""
    if alert.rule is None or alert.threshold is None:
        return None
    signal = Signal(alert.rule.signal)
    return {
        "signal": ABOUT[signal].title,
        "means": ABOUT[signal].means,
        "threshold": figure(signal, alert.threshold),
        "hold": f"for {lasting(alert.rule.hold_s)}" if alert.rule.hold_s else "at once",
        "rest": f"after {lasting(alert.rule.rest_s)}" if alert.rule.rest_s else "at once",
        "window": lasting(alert.rule.window_s) if ABOUT[signal].windowed else "",
    }


def _chart(alert: Alert) -> Series | None:
    points = [Measured(each.at, each.value) for each in selectors.series_of(alert)]
    return series(points, alert.threshold) if alert.threshold is not None else None


def _step(request: HttpRequest, id: UUID, step: Callable[[Alert, Actor], Alert], done: str) -> HttpResponse:
    found = _one(request, id)
    try:
        step(found, of_request(request, request.POST.get("reason", "")[:300]))
        messages.success(request, f"{done}: {found.title}.")
    except StaleStateError:
        messages.info(request, f"Somebody was faster: {found.title}.")
    return _back(request, found)


def _back(request: HttpRequest, alert: Alert) -> HttpResponse:
    """To where the button was."""
    route = request.POST.get("back", "overview")
    route = route if route in BACK else "overview"
    args = (alert.pk,) if route == "alerts-alert" else ()
    return redirect(frame.carry(request, reverse(route, args=args)))


def _curl_path(request: HttpRequest, view: str) -> str:
    names = ("environment", "severity", "queue", "agent", "rule")
    given = {name: request.GET[name] for name in names if request.GET.get(name)}
    if len(VIEWS[view]) == 1:
        given["state"] = str(VIEWS[view][0])
    return f"{reverse('api-alerts')}{'?' if given else ''}{urlencode(given)}"
