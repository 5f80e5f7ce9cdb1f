"""Approvals: what waits for me to be the second person, and what I asked for myself."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from agents.operations.values import Action
from core.access import selectors
from core.access.api import Permission, may
from core.access.models import Approval
from core.access.routes import requires
from core.access.services import AccessError, approvals, of_request
from dashboard.pages import frame

DECIDED_SHOWN = 20


@require_safe
def approvals_inbox(request: HttpRequest) -> HttpResponse:
    subject = frame.subject_of(request)
    return render(
        request,
        "pages/approvals.html",
        {
            "waiting": selectors.waiting_for(subject),
            "mine": selectors.asked_by(subject, DECIDED_SHOWN),
            "decided": selectors.decided_by(subject, DECIDED_SHOWN),
            "may_approve": may(subject, Permission.APPROVE),
            # Of these the reference is the operation that waits.
            "operation_kinds": [str(action) for action in Action],
        },
    )


@requires(Permission.APPROVE)
@require_POST
def approve(request: HttpRequest, id: UUID) -> HttpResponse:
    approval = get_object_or_404(Approval, pk=id)
    actor = of_request(request)
    try:
        # The form carries the hash of what was on the screen.
        approvals.approve(approval, request.POST.get("sha256", ""), actor, _reason(request))
        messages.success(request, f"Approved: {approval}.")
    except AccessError as problem:
        messages.error(request, str(problem))
    return redirect("approvals")


@requires(Permission.APPROVE)
@require_POST
def reject(request: HttpRequest, id: UUID) -> HttpResponse:
    approval = get_object_or_404(Approval, pk=id)
    try:
        approvals.reject(approval, of_request(request), _reason(request))
        messages.success(request, f"Refused: {approval}.")
    except AccessError as problem:
        messages.error(request, str(problem))
    return redirect("approvals")


@require_POST
def withdraw(request: HttpRequest, id: UUID) -> HttpResponse:
    approval = get_object_or_404(Approval, pk=id)
    try:
        approvals.withdraw(approval, of_request(request))
        messages.success(request, f"Withdrawn: {approval}.")
    except AccessError as problem:
        messages.error(request, str(problem))
    return redirect("approvals")


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[:1000]
