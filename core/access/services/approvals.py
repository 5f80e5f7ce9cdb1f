"""Approvals: asked for, then given, refused or withdrawn once, by compare-and-set."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import Signal

from core import clock, hints, transitions
from core.access import limits
from core.access.api import Permission, Place, Subject, require
from core.access.audit.api import Action, Target
from core.access.models import Approval, ApprovalLimit
from core.access.models.approvals import ApprovalState
from core.access.services.actor import Actor
from core.access.services.errors import AlreadyDecidedError, ChangedSinceError, NotYoursError

# Sent with `approval` inside the transaction that ended one, so that what waited for it moves in the same commit.
ended = Signal()


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants a second person for. `sha256` seals it: what is approved is what was shown."""

    kind: str
    reference: str
    sha256: str
    count: int
    place: Place
    reason: str
    expires_at: datetime | None = None


def needed(subject: Subject, action: Permission, place: Place, count: int) -> limits.Limit | None:
    """The approval limit that this passes, or None when the subject may go on alone."""
    rows = ApprovalLimit.objects.filter(action=action).select_related("role")
    known = [
        limits.Limit(Permission(row.action), row.role.name if row.role else None, row.scope, row.above)
        for row in rows
    ]
    return limits.needs_second_person(known, subject, action, place, count)


@transaction.atomic
def ask(request: Request, actor: Actor) -> Approval:
    """Ask for a second person. Asking again for the same reference while it waits answers the one that waits."""
    _expire(Approval.objects.filter(kind=request.kind, reference=request.reference), actor)
    approval, new = Approval.objects.get_or_create(
        kind=request.kind,
        reference=request.reference,
        state=ApprovalState.WAITING,
        defaults=_row(request, actor),
    )
    if not new and approval.sha256 != request.sha256:
        raise ChangedSinceError
    if new:
        actor.record(Action.APPROVAL_ASKED, _target(approval), after=_values(approval))
        hints.hint("approvals")
    return approval


def approve(approval: Approval, sha256: str, actor: Actor, reason: str = "") -> None:
    """Be the second person. `sha256` is what the approver was shown; another than the request's is refused."""
    if not hmac.compare_digest(approval.sha256, sha256):
        raise ChangedSinceError
    _decide(approval, ApprovalState.APPROVED, Action.APPROVAL_GIVEN, actor, reason)


def reject(approval: Approval, actor: Actor, reason: str = "") -> None:
    _decide(approval, ApprovalState.REJECTED, Action.APPROVAL_REFUSED, actor, reason)


def withdraw(approval: Approval, actor: Actor) -> None:
    """Take back what one asked for oneself."""
    if not approval.asked_by(actor.subject):
        raise NotYoursError
    _end(approval, ApprovalState.WITHDRAWN, Action.APPROVAL_WITHDRAWN, actor, "")


def expire_due(actor: Actor) -> int:
    """End what waited for too long; how many there were. Safe to repeat."""
    return _expire(Approval.objects.all(), actor)


def _expire(rows: QuerySet[Approval], actor: Actor) -> int:
    due = rows.filter(state=ApprovalState.WAITING, expires_at__lte=clock.now())
    return sum(_expired(approval, actor) for approval in due)


def _expired(approval: Approval, actor: Actor) -> bool:
    try:
        _end(approval, ApprovalState.EXPIRED, Action.APPROVAL_EXPIRED, actor, "")
    except AlreadyDecidedError:
        return False
    return True


def _decide(approval: Approval, to: ApprovalState, action: Action, actor: Actor, reason: str) -> None:
    require(actor.subject, Permission.APPROVE, approval.place)
    if approval.asked_by(actor.subject):
        raise NotYoursError
    _end(approval, to, action, actor, reason)


def _end(approval: Approval, to: ApprovalState, action: Action, actor: Actor, reason: str) -> None:
    """From waiting to an end, if it still waits and is the same request; the trail is its history."""
    rows = Approval.objects.filter(sha256=approval.sha256)
    if to is not ApprovalState.EXPIRED:
        rows = rows.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))
    changes = {
        "decided_by_kind": str(actor.subject.kind),
        "decided_by_id": actor.subject.id,
        "decided_by_name": actor.subject.name,
        "decided_at": clock.now(),
        "decision_reason": reason,
    }
    try:
        transitions.advance(
            rows,
            pk=approval.pk,
            from_states=[ApprovalState.WAITING],
            to=to,
            changes=changes,
            history=partial(_ended, approval, action, actor),
        )
    except transitions.StaleStateError:
        raise AlreadyDecidedError from None


def _ended(approval: Approval, action: Action, actor: Actor) -> None:
    approval.refresh_from_db()
    ended.send(Approval, approval=approval)
    before = {"state": str(ApprovalState.WAITING)}
    after = _values(approval) | {"reason": approval.decision_reason}
    actor.record(action, _target(approval), before=before, after=after)
    hints.hint("approvals")


def _row(request: Request, actor: Actor) -> dict[str, object]:
    place, asker = request.place, actor.subject
    return {
        "sha256": request.sha256,
        "count": request.count,
        "environment": place.environment,
        "queue": place.queue,
        "agent": place.agent,
        "asked_by_kind": str(asker.kind),
        "asked_by_id": asker.id,
        "asked_by_name": asker.name,
        "reason": request.reason,
        "asked_at": clock.now(),
        "expires_at": request.expires_at,
    }


def _values(approval: Approval) -> dict[str, object]:
    return {
        "state": str(approval.state),
        "kind": approval.kind,
        "reference": approval.reference,
        "sha256": approval.sha256,
        "count": approval.count,
    }


def _target(approval: Approval) -> Target:
    return Target("approval", str(approval.pk), str(approval), approval.place)
