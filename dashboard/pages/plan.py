"""A plan: which ones, and then what. A page, not a dialog: it can be linked, approved, and it expires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from agents.deadletters.showing import Veil
from agents.operations import api, selectors
from agents.operations.api import Guard, GuardKind, OperationError, OptionRefusedError, PlanState
from agents.operations.models import Plan, PlanPart
from agents.operations.options import TAKEN, Expiry
from agents.operations.services import starting
from agents.operations.values import FLAGS, PERMISSIONS, Action, Standing
from core.access.api import Decision, Permission, Subject, may
from core.access.routes import requires
from core.access.services import AccessError, of_request
from dashboard.api import paging
from dashboard.api.problems import ProblemError
from dashboard.pages import frame, plan_form, plan_words

ACTIONS = (Permission.REDRIVE, Permission.PURGE, Permission.RESTORE, Permission.MOVE)
MEMBERS = ("state", "ordinal")
GUARD_SHAPES = {Standing.OK: "ok", Standing.WARN: "warn", Standing.UNKNOWN: "unknown"}
GUARD_TITLES = {
    GuardKind.VERSION_RUNS: "Version that failed",
    GuardKind.NO_CONSUMER: "Consumers",
    GuardKind.QUEUE_FULL: "Room in the queue",
    GuardKind.TOOL_SUCCEEDED: "Tool calls",
    GuardKind.REDRIVEN_BEFORE: "Redriven before",
    GuardKind.OVER_LIMIT: "Approval limit",
    GuardKind.EXPIRED: "Expired",
    GuardKind.CANVAS: "Chords and groups",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A guard as the page shows it. `toggle` is the address with its letters left out, or back in."""

    guard: Guard
    left_out: bool
    fixed: bool
    toggle: str

    @property
    def shape(self) -> str:
        return "ok" if self.left_out else GUARD_SHAPES[self.guard.standing]

    @property
    def title(self) -> str:
        return GUARD_TITLES[self.guard.kind]


# ---- Made ------------------------------------------------------------------------------------------------------
@requires(*ACTIONS)
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Freeze what a list, a group or a letter asks for, and go to the plan's page."""
    action = _action(request.POST.get("action", ""))
    return _planned(request, action, plan_form.selection(request.POST), request.POST.dict())


@requires(*ACTIONS)
@require_POST
def change(request: HttpRequest, id: UUID) -> HttpResponse:
    """Other options make another plan: the seal is over them too. What arrived since is in it."""
    old = one(request, id)
    action = Action(old.action)
    try:
        given = plan_form.options(request.POST, old.options)
    except OptionRefusedError as refused:
        messages.error(request, str(refused))
        return redirect(_url(request, old))
    taken = {name: value for name, value in given.items() if name in TAKEN[action]}
    return made(request, action, old.selection, taken, fallback=_url(request, old))


def _planned(
    request: HttpRequest, action: Action, selection: api.Selection, data: dict[str, Any]
) -> HttpResponse:
    given = {"target_queue": data["target_queue"]} if data.get("target_queue") else {}
    return made(request, action, selection, given, fallback=_back(request))


def made(
    request: HttpRequest, action: Action, selection: api.Selection, given: dict[str, Any], *, fallback: str
) -> HttpResponse:
    try:
        new_plan = api.plan(action, selection, api.parse(action, given), of_request(request))
    except (OperationError, OptionRefusedError) as refused:
        messages.error(request, str(refused))
        return redirect(fallback)
    return redirect(_url(request, new_plan))


# ---- Shown -----------------------------------------------------------------------------------------------------
@requires(Permission.SEE)
@require_safe
def plan(request: HttpRequest, id: UUID) -> HttpResponse:
    return _page(request, one(request, id))


@requires(Permission.SEE)
@require_safe
def late(request: HttpRequest, id: UUID) -> HttpResponse:
    """How many arrived since, while the page is open."""
    found = one(request, id)
    return render(request, "parts/plan_late.html", {"plan": found, "late": selectors.late(found)})


@requires(*ACTIONS)
@require_POST
def start(request: HttpRequest, id: UUID) -> HttpResponse:
    found = one(request, id)
    kinds = [GuardKind(kind) for kind in _kinds(request.POST.getlist("leave_out"))]
    try:
        limit = _limit(frame.subject_of(request), found)
        count = _confirmed(found, kinds, limit, request.POST.get("count", ""))
        begun = api.start(
            found, request.POST.get("reason", ""), of_request(request), leave_out=kinds, count=count
        )
    except (OperationError, AccessError, ValueError) as refused:
        return _page(request, found, problem=str(refused), status=422)
    return redirect(frame.carry(request, reverse("operations-operation", args=(begun.pk,))))


def _page(request: HttpRequest, found: Plan, *, problem: str = "", status: int = 200) -> HttpResponse:
    subject, action, how = frame.subject_of(request), Action(found.action), found.how
    chosen = _kinds(request.POST.getlist("leave_out") or request.GET.getlist("leave_out"))
    left = _left(found, [GuardKind(kind) for kind in chosen])
    parts = list(found.parts.order_by("-count"))
    context = {
        "plan": found,
        "state": found.state_now,
        "limit": (limit := _limit(subject, found)),
        "told": _told(found, left, parts, limit),
        "left": left,
        "going": found.count - left,
        "guards": _guards(request, found, chosen),
        "reach": found.touches,
        "parts": parts,
        "how_words": plan_words.how(how, _origins(found, parts)) if action is Action.REDRIVE else "",
        "fields": plan_form.fields(how),
        "takes": dict.fromkeys(TAKEN[action], True),
        "expiries": list(Expiry),
        "edited": found.options.get("edit"),
        "origins": _origins(found, parts),
        "late": selectors.late(found),
        "decision": decision(subject, found),
        "why_not": _why_not(found),
        "edit_url": reverse("operations-plan-edit", args=(found.pk,)) if action is Action.REDRIVE else "",
        "may_edit": first_denied(subject, Permission.EDIT, found),
        "operation": getattr(found, "operation", None),
        "chosen": chosen,
        "reason": request.POST.get("reason", ""),
        "problem": problem,
        "program": _program(found, chosen),
        **_members(request, subject, found),
    }
    return render(request, "pages/plan.html", context, status=status)


def _limit(subject: Subject, found: Plan) -> str:
    """The approval limit that this person would pass, as limits are now; else the one that its asker passed."""
    if found.state_now is not PlanState.SEALED:
        return found.needs_approval
    return starting.needed(subject, found) or found.needs_approval


def _told(found: Plan, left: int, parts: list[PlanPart], limit: str) -> plan_words.Told:
    return plan_words.told(
        Action(found.action),
        found.count,
        left,
        found.how,
        _origins(found, parts),
        found.warnings,
        limit,
    )


def _left(found: Plan, chosen: list[GuardKind]) -> int:
    return selectors.left_out(found, sorted({*chosen, *found.how.leave_out}))


def _confirmed(found: Plan, chosen: list[GuardKind], limit: str, typed: str) -> int | None:
    """What was typed. Raises ValueError where it is no number, or none though one is asked for."""
    told = _told(found, _left(found, chosen), list(found.parts.all()), limit)
    count = _typed(typed)
    if told.typed and count is None:
        raise ValueError(f"{told.typed} Type {found.count} to confirm.")
    return count


def decision(subject: Subject, found: Plan) -> Decision:
    """May they do it, everywhere that it reaches?"""
    return first_denied(subject, PERMISSIONS[Action(found.action)], found)


def first_denied(subject: Subject, permission: Permission, found: Plan) -> Decision:
    """The first place where they may not; else that they may."""
    places = {part.place for part in found.parts.all()}
    decisions = [may(subject, permission, place) for place in places] or [may(subject, permission)]
    return next((each for each in decisions if not each), decisions[0])


def _guards(request: HttpRequest, found: Plan, chosen: list[str]) -> list[Shown]:
    """What warns stands first."""
    fixed = {*found.how.leave_out}
    shown = [
        Shown(
            guard,
            left_out=guard.kind in {*chosen, *fixed},
            fixed=guard.kind in fixed,
            toggle=_toggled(request, chosen, str(guard.kind)),
        )
        for guard in found.warnings
    ]
    order = [Standing.WARN, Standing.UNKNOWN, Standing.OK]
    return sorted(shown, key=lambda each: order.index(each.guard.standing))


def _toggled(request: HttpRequest, chosen: list[str], kind: str) -> str:
    query = request.GET.copy()
    query.setlist("leave_out", sorted({*chosen} ^ {kind}))
    return f"{request.path.removesuffix('/start')}?{query.urlencode()}#guards"


def _why_not(found: Plan) -> str:
    """Why nothing can be started from it, though the right may be there."""
    state = found.state_now
    if state is PlanState.SEALING:
        return "It is still being sealed."
    if state is PlanState.EXPIRED:
        return "The plan has expired: what it says may no longer be true. Plan again."
    if state is PlanState.USED:
        return "It was carried out already."
    return "" if found.count else "It has no members: nothing matched, or you may not do this where they are."


def _members(request: HttpRequest, subject: Subject, found: Plan) -> dict[str, Any]:
    try:
        page = paging.page(request, selectors.members(found), MEMBERS)
    except ProblemError as refused:
        return {"members_problem": refused.problem.detail}
    letters = selectors.letters_of(page.rows, subject)
    Veil().over(letters.values())
    return {"members": page, "rows": [(item, letters.get(item.letter)) for item in page.rows if item.letter]}


def _origins(found: Plan, parts: list[PlanPart]) -> list[str]:
    """The queues that members came from, the most letters first."""
    if found.selection.queue:
        return [found.selection.queue]
    return list(dict.fromkeys(part.queue for part in parts))


def _program(found: Plan, chosen: list[str]) -> dict[str, Any]:
    """The same for a program: plan, then carry out."""
    options = found.options | (
        {"leave_out": sorted({*found.options["leave_out"], *chosen})} if chosen else {}
    )
    return {
        "plan": {"action": found.action, "select": found.select, "options": options},
        "start": {"plan": str(found.pk), "reason": "…"},
    }


def one(request: HttpRequest, id: UUID) -> Plan:
    found = selectors.plan(frame.subject_of(request), id)
    if found is None:
        raise Http404
    return found


def _url(request: HttpRequest, found: Plan) -> str:
    return frame.carry(request, reverse("operations-plan", args=(found.pk,)))


def _back(request: HttpRequest) -> str:
    """Where the form was, when that is a page of ours."""
    asked = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
        return asked
    return frame.carry(request, reverse("letters"))


def _action(text: str) -> Action:
    if text not in {*Action}:
        raise Http404
    return Action(text)


def _kinds(given: list[str]) -> list[str]:
    return sorted({kind for kind in given if kind in {str(each) for each in FLAGS}})


def _typed(text: str) -> int | None:
    """What was typed to confirm; None where nothing had to be."""
    bare = text.replace(",", "").replace(" ", "")
    if not bare:
        return None
    if not bare.isascii() or not bare.isdigit():
        raise ValueError(f"{text!r} is no number: type how many the plan has.")
    return int(bare)
