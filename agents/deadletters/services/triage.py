"""What people decide about a group: compare-and-set with its history, and notes. Each with an entry in the trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction

from agents.deadletters.models import FailureGroup, GroupChange, GroupNote
from agents.deadletters.services.grouping import TOPIC
from agents.deadletters.values import Triage
from core import clock, hints
from core.access.api import Permission, require
from core.access.audit.api import Action, Target
from core.access.services import Actor
from core.transitions import advance

LONGEST_MUTE = timedelta(days=90)
LONGEST_NOTE = 2_000


class TriageError(Exception):
    """The group cannot be put there as it was asked for. `field` names what to correct, and the text says how."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


@dataclass(frozen=True, slots=True)
class Decided:
    """What somebody decided. `assigned_to` goes with `assigned`, `muted_until` with `muted`."""

    to: Triage
    assigned_to: str = ""
    muted_until: datetime | None = None


@transaction.atomic
def decide(group: FailureGroup, decided: Decided, actor: Actor) -> FailureGroup:
    """From the state that `group` bears, or not at all. Raises StaleStateError when somebody else was faster,
    TriageError and PermissionRefusedError."""
    require(actor.subject, Permission.TRIAGE, group.place)
    _check(decided)
    now, old = clock.now(), FailureGroup.objects.only("state", "assigned_to").get(pk=group.pk)
    advance(
        FailureGroup.objects.filter(assigned_to=group.assigned_to),
        pk=group.pk,
        from_states=(group.state,),
        to=decided.to,
        history=lambda: _note(group, decided, actor, now),
        changes={"since": now, "assigned_to": decided.assigned_to, "muted_until": decided.muted_until},
    )
    group.refresh_from_db()
    before = {"triage": old.state, "assigned_to": old.assigned_to}
    actor.record(Action.GROUP_TRIAGED, target(group), before=before, after=_shown(group))
    hints.hint(TOPIC)
    return group


@transaction.atomic
def add_note(group: FailureGroup, text: str, link: str, actor: Actor) -> GroupNote:
    """Raises TriageError and PermissionRefusedError."""
    require(actor.subject, Permission.TRIAGE, group.place)
    if not text.strip() or len(text) > LONGEST_NOTE:
        raise TriageError("text", f"Write something, of {LONGEST_NOTE:,} characters at most.")
    if link and urlsplit(link).scheme not in {"http", "https"}:
        raise TriageError("link", "A link begins with http:// or https://.")
    name = actor.subject.name
    note = GroupNote.objects.create(group=group, at=clock.now(), by=name, text=text.strip(), link=link)
    actor.record(Action.GROUP_NOTED, target(group), after={"text": note.text, "link": link})
    hints.hint(TOPIC)
    return note


def target(group: FailureGroup) -> Target:
    return Target("failure group", str(group.pk), group.title, group.place)


def _check(decided: Decided) -> None:
    if (decided.to is Triage.ASSIGNED) != bool(decided.assigned_to):
        raise TriageError("assigned_to", "A group that is assigned has somebody, and any other has nobody.")
    if (decided.to is Triage.MUTED) != bool(decided.muted_until):
        raise TriageError("muted_until", "Say until when it is muted; what is not muted has no end.")
    if decided.muted_until and not clock.now() < decided.muted_until <= clock.now() + LONGEST_MUTE:
        raise TriageError("muted_until", f"It must be in the future, and within {LONGEST_MUTE.days} days.")


def _note(group: FailureGroup, decided: Decided, actor: Actor, now: datetime) -> GroupChange:
    detail = decided.assigned_to and f"to {decided.assigned_to}"
    if decided.muted_until:
        detail = f"until {clock.rfc3339(decided.muted_until)}"
    reason = ". ".join(filter(None, (detail, actor.why)))
    by = actor.subject.name
    return GroupChange.objects.create(
        group=group, before=group.state, after=decided.to, at=now, by=by, reason=reason
    )


def _shown(group: FailureGroup) -> dict[str, str]:
    until = clock.rfc3339(group.muted_until) if group.muted_until else ""
    return {"triage": group.state, "assigned_to": group.assigned_to, "muted_until": until}
