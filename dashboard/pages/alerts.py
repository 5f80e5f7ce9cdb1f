"""What people do about alerts on the overview: say that they have one, or that it is over."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.alerts import selectors
from agents.alerts.models import Alert
from agents.alerts.services import raising
from core.access.api import Permission
from core.access.routes import requires
from core.access.services import Actor, of_request
from core.transitions import StaleStateError
from dashboard.pages import frame


@requires(Permission.TRIAGE)
@require_POST
def acknowledge(request: HttpRequest, id: UUID) -> HttpResponse:
    return _step(request, id, raising.acknowledge, "You have it")


@requires(Permission.TRIAGE)
@require_POST
def clear(request: HttpRequest, id: UUID) -> HttpResponse:
    return _step(request, id, raising.clear, "Cleared")


def _step(request: HttpRequest, id: UUID, step: Callable[[Alert, Actor], Alert], done: str) -> HttpResponse:
    alert = selectors.one(frame.subject_of(request), id)
    if alert is None:
        raise Http404
    try:
        step(alert, of_request(request))
        messages.success(request, f"{done}: {alert.title}.")
    except StaleStateError:
        messages.info(request, f"Somebody was faster: {alert.title}.")
    return redirect(frame.carry(request, reverse("overview")))
