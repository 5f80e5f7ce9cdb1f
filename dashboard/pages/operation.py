"""An operation: where is each of them now? And what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agents.deadletters.showing import Veil
from agents.operations import api, selectors
from agents.operations.api import ItemState, OperationError, State, Verdict
from agents.operations.models import Operation
from agents.operations.values import Action, Grade
from core.access import selectors as access
from core.access.api import Permission, Subject, may
from core.access.models import Approval
from core.access.models.approvals import ApprovalState
from core.access.routes import requires
from core.access.services import AccessError, of_request
from core.transitions import StaleStateError
from dashboard.api import paging
from dashboard.api.problems import ProblemError
from dashboard.charts.progress import progress
from dashboard.pages import frame, ladder, plan, plan_form, plan_words

MEMBERS = ("state", "ordinal")
# The order of the bar: what is over, what is under way, what is to come, what nobody knows.
BAR = (
    *(ItemState.PROCESSED, ItemState.APPLIED, ItemState.FAILED_SAME, ItemState.FAILED_NEW),
    *(ItemState.LEFT_OUT, ItemState.UNTOUCHED, ItemState.DISPATCHED, ItemState.CLAIMED),
    *(ItemState.WAITING, ItemState.UNKNOWN),
)
SENDING = {ItemState.APPLIED, ItemState.CLAIMED, ItemState.UNTOUCHED}
APPLYING = {*BAR} - {ItemState.APPLIED, ItemState.WAITING, ItemState.UNKNOWN}
GRADE_WORDS = {
    Grade.EVENT: "by an event of its agent",
    Grade.SPAN: "by a span with its id",
    Grade.LEFT_QUEUE: "it left the queue and did not come back",
    Grade.HAND: "settled by hand",
}
# What a step needs beyond the action's own right.
STEPS: dict[str, Callable[[Operation, Any], Any]] = {
    "pause": api.pause,
    "resume": api.resume,
    "cancel": api.cancel,
}
DONE = {"pause": "Paused", "resume": "Goes on", "cancel": "Cancelled"}


@requires(Permission.SEE)
@require_safe
def operation(request: HttpRequest, id: UUID) -> HttpResponse:
    subject, found = frame.subject_of(request), _found(request, id)
    context = {
        "operation": found,
        "plan": found.plan,
        "title": f"{found.action} #{found.number}",
        "told": plan_words.VERBS[Action(found.action)],
        "bar": bar(found),
        "quiet": SENDING if found.sends else APPLYING,
        "rungs": _rungs(found),
        "grades": _grades(found),
        "chart": progress(selectors.samples(found)),
        "timeline": selectors.timeline(found),
        "decision": plan.decision(subject, found.plan),
        "settling": plan.first_denied(subject, Permission.SETTLE, found.plan),
        "receipt": selectors.restorable_until(found) if found.action == Action.PURGE else None,
        "may_restore": may(subject, Permission.RESTORE),
        "api_path": f"/api/v1/operations/{found.pk}",
        "watch_line": f"postroom ops watch {found.pk}",
        "act_urls": {step: _act_url(request, found, step) for step in (*STEPS, "settle")},
        **_approval(subject, found),
        **_items(request, subject, found),
    }
    return render(request, "pages/operation.html", context)


@requires(*plan.ACTIONS, Permission.APPROVE, Permission.SETTLE)
@require_POST
def act(request: HttpRequest, id: UUID, step: str) -> HttpResponse:
    """Pause, resume, cancel; approve or reject as the second person; settle what is unknown."""
    found = _found(request, id)
    try:
        messages.success(request, _act(request, found, step))
    except StaleStateError:
        messages.info(request, "Somebody was faster, or it has ended: this is how it stands now.")
    except (OperationError, AccessError) as refused:
        messages.error(request, str(refused))
    return redirect(frame.carry(request, reverse("operations-operation", args=(found.pk,))))


def _act(request: HttpRequest, found: Operation, step: str) -> str:
    reason = request.POST.get("reason", "").strip()[:1_000]
    actor = of_request(request, reason)
    if step in STEPS:
        STEPS[step](found, actor)
        return f"{DONE[step]}: {found}."
    if step == "approve":
        # The form carries the hash of what was on the screen.
        api.approve(found, request.POST.get("sha256", ""), actor, reason)
        return f"Approved: {found}."
    if step == "reject":
        api.reject(found, actor, reason)
        return f"Refused: {found}. Nothing was done."
    if step == "settle":
        return _settle(request, found, actor)
    raise Http404


def _settle(request: HttpRequest, found: Operation, actor: Any) -> str:
    verdict = request.POST.get("verdict", "")
    if verdict not in {*Verdict}:
        raise Http404
    chosen = [UUID(each) for each in request.POST.getlist("letter") if plan_form.is_id(each)]
    number = api.settle(found, Verdict(verdict), actor, None if request.POST.get("all") else chosen)
    return f"{number} settled as {verdict}."


def bar(found: Operation) -> dict[str, int]:
    """The tally in the order of the bar."""
    return {str(state): getattr(found, state) for state in BAR}


def _rungs(found: Operation) -> list[ladder.Rung]:
    if not found.sends:
        return []
    going, state = found.selected - found.left_out, State(found.state)
    if state is State.AWAITING_APPROVAL:
        return ladder.planned(found.plan.how.canary, going)
    return ladder.rungs(found.plan.how.canary, going, found.step, state, found.tally, found.begun_with)


def _grades(found: Operation) -> list[tuple[str, int]]:
    return [(GRADE_WORDS[grade], number) for grade, number in found.grades.items() if number]


def _items(request: HttpRequest, subject: Subject, found: Operation) -> dict[str, Any]:
    """Members in one state: the one asked for, or the first that tells something."""
    asked = request.GET.get("items", "")
    state = ItemState(asked) if asked in {*ItemState} else _telling(found)
    try:
        page = paging.page(request, selectors.items(found, state), MEMBERS)
    except ProblemError as refused:
        return {"items_state": state, "items_problem": refused.problem.detail}
    letters = selectors.letters_of(page.rows, subject)
    Veil().over(letters.values())
    rows = [(item, letters.get(item.letter) if item.letter else None) for item in page.rows]
    return {"items_state": state, "items": page, "rows": rows}


def _telling(found: Operation) -> ItemState:
    order = (
        *(ItemState.UNKNOWN, ItemState.FAILED_SAME, ItemState.FAILED_NEW, ItemState.DISPATCHED),
        *(ItemState.PROCESSED, ItemState.APPLIED, ItemState.WAITING, ItemState.UNTOUCHED, ItemState.LEFT_OUT),
    )
    return next((state for state in order if getattr(found, state)), ItemState.WAITING)


def _approval(subject: Subject, found: Operation) -> dict[str, Any]:
    """What waits for a second person, and whether this is one."""
    if found.state != State.AWAITING_APPROVAL:
        return {}
    waiting = Approval.objects.filter(
        kind=found.action, reference=str(found.pk), state=ApprovalState.WAITING
    ).first()
    if waiting is None:
        return {}
    return {
        "approval": waiting,
        "may_decide": access.may_decide(subject, waiting),
        "own": waiting.asked_by(subject),
        "may_approve": may(subject, Permission.APPROVE, waiting.place),
    }


def _act_url(request: HttpRequest, found: Operation, step: str) -> str:
    return frame.carry(request, reverse("operations-act", args=(found.pk, step)))


def _found(request: HttpRequest, id: UUID) -> Operation:
    found = selectors.one(frame.subject_of(request), id)
    if found is None:
        raise Http404
    return found
