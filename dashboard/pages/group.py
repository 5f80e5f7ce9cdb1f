"""One group: why it is one, when and in what it died, what is held, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agents.deadletters import groups, selectors
from agents.deadletters.models import FailureGroup
from agents.deadletters.services import merging, triage
from agents.deadletters.services.triage import TriageError
from agents.deadletters.showing import Veil
from agents.deadletters.values import MoveState, State, Triage
from agents.operations import selectors as operations
from core import clock
from core.access.api import Permission, Subject, may
from core.access.routes import requires
from core.access.services import Actor, of_request
from core.transitions import StaleStateError
from dashboard.charts import deaths
from dashboard.pages import doing, frame, group_moves, group_rows, plan_form

SHOWN, MOST_OTHERS = 20, 50
# How long a mute lasts, in hours.
MUTES = (("1 hour", 1), ("8 hours", 8), ("1 day", 24), ("7 days", 168))
SPLIT_BY = (
    *("version", "queue", "agent", "workflow", "task", "sender", "instance"),
    *("failure_message", "fingerprint"),
)
# Where the name of a part of `formed` says too little.
NAMES = {"joined": "taken for it too"}


@requires(Permission.SEE)
@require_safe
def group(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    row = groups.one(subject, id)
    if row is None:
        raise Http404
    if row.pk != id:
        return redirect(_url(request, row))
    since, until = _stretch(request, row)
    states = group_rows.states_of(subject, row)
    context = {
        "group": row,
        "held": states.get(State.HELD, 0),
        "after": operations.came_back_after([row], subject).get(row.pk),
        "states": [(state, states[state]) for state in State if states.get(state)],
        "letters": _letters(request, row),
        "parts": list(group_rows.parts_seen(subject).filter(group=row).order_by("-deaths")[:SHOWN]),
        "chart": deaths.versions(group_rows.by_version(row, since, until), since, until),
        "since": since,
        "notes": groups.notes_of(row)[:SHOWN],
        "changes": groups.changes_of(row)[:SHOWN],
        "moves": group_moves.shown(row, groups.under_way(row)),
        "merged": list(groups.merged_here(row)[:SHOWN]),
        "triages": list(Triage),
        "mutes": MUTES,
        "may_triage": may(subject, Permission.TRIAGE, row.place),
        "others": _others(subject, row),
        "fields": SPLIT_BY,
        "act_urls": {step: _act_url(request, row, step) for step in STEPS},
        "formed": _formed(row),
        "actions": doing.offered(subject, State.HELD, row.place) if states.get(State.HELD) else [],
        "api_path": f"/api/v1/failure-groups/{row.pk}",
        "plan_body": {"action": "redrive", "select": {"group": str(row.pk)}},
        "plan_line": f"postroom letters redrive --group {row.pk} --reason …",
    }
    return render(request, "pages/group.html", context)


@requires(Permission.TRIAGE)
@require_POST
def act(request: HttpRequest, id: UUID, step: str) -> HttpResponse:
    """Triage, a note, merge, split, or a merge taken back."""
    row = groups.one(frame.subject_of(request), id)
    if row is None or step not in STEPS:
        raise Http404
    try:
        messages.success(request, STEPS[step](row, request.POST, of_request(request, _reason(request))))
    except StaleStateError:
        messages.info(request, "Somebody was faster: this is how it stands now.")
    except TriageError as refused:
        messages.error(request, str(refused))
    return redirect(_url(request, row))


def _triage(row: FailureGroup, data: QueryDict, actor: Actor) -> str:
    """From what was on the screen, or not at all."""
    row.state, row.assigned_to = data.get("was", ""), data.get("had", "")
    asked = str(data.get("to", ""))
    to = Triage(asked) if asked in {*Triage} else Triage.NEW
    hours = dict(MUTES).get(data.get("mute", ""), 24)
    decided = triage.Decided(
        to,
        assigned_to=data.get("assigned_to", "").strip() or actor.subject.name
        if to is Triage.ASSIGNED
        else "",
        muted_until=clock.now() + timedelta(hours=hours) if to is Triage.MUTED else None,
    )
    triage.decide(row, decided, actor)
    return f"It is {to} now."


def _note(row: FailureGroup, data: QueryDict, actor: Actor) -> str:
    triage.add_note(row, data.get("text", ""), data.get("link", "").strip(), actor)
    return "Noted."


def _merge(row: FailureGroup, data: QueryDict, actor: Actor) -> str:
    wanted = [str(each) for each in data.getlist("other") if plan_form.is_id(str(each))]
    others = [found for each in wanted if (found := groups.one(actor.subject, UUID(each)))]
    moves = merging.merge(row, others, actor)
    if all(each.state == MoveState.DONE for each in moves):
        return "Merged: their letters are of this group, and those that die later too."
    return "Merged: those that die later are of this group, and the letters that are there are on their way."


def _split(row: FailureGroup, data: QueryDict, actor: Actor) -> str:
    move = merging.split(row, actor, field=data.get("field", ""), value=data.get("value", "").strip())
    follow = "" if move.state == MoveState.DONE else " Its letters are on their way."
    return f"Split off: {move.into.title}.{follow}"


def _undo(row: FailureGroup, data: QueryDict, actor: Actor) -> str:
    wanted = str(data.get("move", ""))
    merge = groups.merged_here(row).filter(pk=wanted).first() if plan_form.is_id(wanted) else None
    if merge is None:
        raise TriageError("move", "There is no such merge into this group any more.")
    back = merging.undo(merge, actor)
    follow = "they are there" if back.state == MoveState.DONE else "they are on their way"
    return f"Taken back: the letters belong to {back.into.title} again, and {follow}."


STEPS: dict[str, Callable[[FailureGroup, QueryDict, Actor], str]] = {
    "triage": _triage,
    "note": _note,
    "merge": _merge,
    "split": _split,
    "undo": _undo,
}


def _others(subject: Subject, row: FailureGroup) -> list[FailureGroup]:
    """What it can be merged with, the last that struck first."""
    rows = groups.visible_to(subject, Permission.TRIAGE).filter(environment=row.environment)
    return list(rows.exclude(pk=row.pk).filter(going_to=None).order_by(*groups.NEWEST)[:MOST_OTHERS])


def _url(request: HttpRequest, row: FailureGroup) -> str:
    return frame.carry(request, reverse("letters-group", args=(row.pk,)))


def _act_url(request: HttpRequest, row: FailureGroup, step: str) -> str:
    return frame.carry(request, reverse("letters-group-act", args=(row.pk, step)))


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[:1_000]


def _stretch(request: HttpRequest, row: FailureGroup) -> tuple[datetime, datetime]:
    """The page's time; all of the group's when it did not die in it, so that there is something to see."""
    until = clock.now()
    since = until - frame.range_of(request).length
    if row.last_died_at < since:
        return row.first_died_at, row.last_died_at + (until - row.last_died_at) / 20
    return since, until


def _letters(request: HttpRequest, row: FailureGroup) -> list[Any]:
    """The last that died; those that wait for somebody first."""
    rows = group_rows.letters_of(frame.subject_of(request), row)
    held = list(rows.filter(state=State.HELD).order_by(*selectors.NEWEST)[:SHOWN])
    others = rows.exclude(state=State.HELD).order_by(*selectors.NEWEST)
    found = held or list(others[:SHOWN])
    Veil().over(found)
    return found


def _formed(row: FailureGroup) -> list[tuple[str, list[str]]]:
    """What its fingerprint stands on, as lines under a name."""
    return [
        (NAMES.get(name, name.replace("_", " ")), _lines(value))
        for name, value in row.formed.items()
        if value not in ("", [], None)
    ]


def _lines(value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for each in value for line in _lines(each)]
    if isinstance(value, dict):
        return [": ".join(str(each) for each in value.values() if each)]
    return [str(value)]
