"""What a letter carries is masked on pages until somebody who may read payloads asks to see it: noted in the trail,
for this letter, this browser and a quarter of an hour."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.deadletters import selectors
from core import clock
from core.access.api import Permission, require
from core.access.audit.api import Action, Target
from core.access.routes import requires
from core.access.services import of_request
from dashboard.pages import frame, plan_form

KEY = "revealed"
SECONDS, MOST = 15 * 60, 100


@requires(Permission.READ_PAYLOADS)
@require_POST
def reveal(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    row = selectors.one(subject, id)
    if row is None:
        raise Http404
    require(subject, Permission.READ_PAYLOADS, row.place)
    with transaction.atomic():
        on = Target("letter", str(row.pk), row.why[:120], row.place)
        of_request(request).record(Action.LETTER_REVEALED, on)
    known = [(each, until) for each, until in _known(request).items() if until > clock.unix()]
    request.session[KEY] = dict([*known, (str(id), clock.unix() + SECONDS)][-MOST:])
    return redirect(frame.carry(request, _back(request, row.pk)))


def _back(request: HttpRequest, id: UUID) -> str:
    """To the letter, or to the edit of the plan where they asked."""
    plan = request.POST.get("plan", "")
    if plan_form.is_id(plan):
        return reverse("operations-plan-edit", args=(plan,))
    return reverse("letters-letter", args=(id,))


def is_open(request: HttpRequest, id: UUID) -> bool:
    """Whether they asked. Whether they still may is for the caller to ask."""
    return _known(request).get(str(id), 0) > clock.unix()


def _known(request: HttpRequest) -> dict[str, float]:
    found = request.session.get(KEY)
    return found if isinstance(found, dict) else {}
