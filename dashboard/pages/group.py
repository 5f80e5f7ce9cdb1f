"""One group: why it is one, when and in what it died, what is held, and what is known about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.deadletters import selectors
from agents.deadletters.models import FailureGroup
from agents.deadletters.values import State
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from dashboard.charts import deaths
from dashboard.pages import doing, frame, group_rows

SHOWN = 20


@requires(Permission.SEE)
@require_safe
def group(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    merged = FailureGroup.objects.filter(pk=id).exclude(merged_into=None).first()
    if merged is not None:
        return redirect(frame.carry(request, reverse("letters-group", args=(merged.merged_into_id,))))
    row = group_rows.seen(subject).filter(pk=id).first()
    if row is None:
        raise Http404
    since, until = _stretch(request, row)
    states = group_rows.states_of(subject, row)
    context = {
        "group": row,
        "held": states.get(State.HELD, 0),
        "states": [(state, states[state]) for state in State if states.get(state)],
        "letters": _letters(request, row),
        "parts": list(group_rows.parts_seen(subject).filter(group=row).order_by("-deaths")[:SHOWN]),
        "chart": deaths.versions(group_rows.by_version(row, since, until), since, until),
        "since": since,
        "notes": list(row.notes.order_by("-at")[:SHOWN]),
        "changes": list(row.changes.order_by("-pk")[:SHOWN]),
        "formed": _formed(row),
        "actions": doing.offered(subject, State.HELD, row.place) if states.get(State.HELD) else [],
        "api_path": f"/api/v1/failure-groups/{row.pk}",
        "plan_body": {"action": "redrive", "select": {"group": str(row.pk)}},
        "plan_line": f"postroom letters redrive --group {row.pk} --reason …",
    }
    return render(request, "pages/group.html", context)


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
    return held or list(others[:SHOWN])


def _formed(row: FailureGroup) -> list[tuple[str, list[str]]]:
    """What its fingerprint stands on, as lines under a name."""
    return [
        (name.replace("_", " "), _lines(value))
        for name, value in row.formed.items()
        if value not in ("", [], None)
    ]


def _lines(value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for each in value for line in _lines(each)]
    if isinstance(value, dict):
        return [": ".join(str(each) for each in value.values() if each)]
    return [str(value)]
