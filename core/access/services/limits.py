"""Approval limits: made, changed and deleted."""

from __future__ import annotations

from django.db import transaction

from core.access.audit.api import Action, Target
from core.access.models import ApprovalLimit
from core.access.services.actor import Actor


@transaction.atomic
def save_limit(limit: ApprovalLimit, actor: Actor) -> None:
    """Make the limit, or change it to what the value says."""
    before = ApprovalLimit.objects.select_for_update().filter(pk=limit.pk).first()
    for each in filter(None, (before, limit)):
        actor.must_manage(each.scope)
    old = _values(before) if before else None
    limit.save()
    action = Action.LIMIT_CHANGED if before else Action.LIMIT_CREATED
    actor.record(action, _target(limit), before=old, after=_values(limit))


@transaction.atomic
def delete_limit(limit: ApprovalLimit, actor: Actor) -> None:
    actor.must_manage(limit.scope)
    before, target = _values(limit), _target(limit)
    limit.delete()
    actor.record(Action.LIMIT_DELETED, target, before=before)


def _values(limit: ApprovalLimit) -> dict[str, object]:
    return {
        "action": limit.action,
        "role": limit.role.name if limit.role else None,
        "above": limit.above,
        "scope": str(limit.scope),
    }


def _target(limit: ApprovalLimit) -> Target:
    return Target("approval limit", str(limit.pk), str(limit))
