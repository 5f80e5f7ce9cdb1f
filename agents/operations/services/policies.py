"""Redrive policies are made, changed and deleted by those who manage letters and may redrive in the whole scope: a
policy redrives in its own name, and nobody hands out what they do not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from agents.operations.models import RedrivePolicy
from core import hints
from core.access.api import Decision, Kind, Permission, PermissionRefusedError, Place, Scope, Subject
from core.access.audit.api import Action, Target
from core.access.services import Actor
from core.transitions import StaleStateError

TOPIC = "redrive_policies"
NEEDED = (Permission.MANAGE_LETTERS, Permission.REDRIVE)
FIELDS = (
    *("name", "enabled", "environment", "queue", "agent", "error", "delay_s", "at_most", "budget", "rate"),
    "note",
)


class PolicyRefusedError(Exception):
    """A policy that does not go. `field` names what is wrong."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail = field, detail


def seen_by(subject: Subject) -> QuerySet[RedrivePolicy]:
    """Those whose whole scope the subject manages letters in."""
    keys = [row.pk for row in RedrivePolicy.objects.all() if _may(subject, NEEDED[0], row.scope)]
    return RedrivePolicy.objects.filter(pk__in=keys).order_by("pk")


@transaction.atomic
def save(policy: RedrivePolicy, actor: Actor) -> None:
    """Make the policy, or change it to what the value says. Raises PolicyRefusedError, PermissionRefusedError, and
    StaleStateError when somebody deleted it."""
    before = RedrivePolicy.objects.select_for_update().filter(pk=policy.pk).first() if policy.pk else None
    if policy.pk and before is None:
        raise StaleStateError("Somebody deleted this policy.")
    for each in filter(None, (before, policy)):
        _require(actor.subject, each.scope)
    _check(policy)
    old, new = _values(before) if before else None, _values(policy)
    if old == new:
        return
    policy.save()
    action = Action.POLICY_CHANGED if before else Action.POLICY_CREATED
    actor.record(action, _target(policy), before=old, after=new)
    hints.hint(TOPIC)


@transaction.atomic
def delete(policy: RedrivePolicy, actor: Actor) -> None:
    """What it has started goes on until somebody cancels it, or halts: its right to redrive ends here."""
    _require(actor.subject, policy.scope)
    before, target = _values(policy), _target(policy)
    policy.delete()
    actor.record(Action.POLICY_DELETED, target, before=before)
    hints.hint(TOPIC)


def _check(policy: RedrivePolicy) -> None:
    try:
        policy.full_clean()
    except ValidationError as problem:
        field, sentences = next(iter(problem.message_dict.items()))
        raise PolicyRefusedError(field, sentences[0].rstrip(".")) from None


def _require(subject: Subject, scope: Scope) -> None:
    for permission in NEEDED:
        if not _may(subject, permission, scope):
            sentence = f"{subject.name} may not {permission.replace('_', ' ')} in all of: {scope}."
            raise PermissionRefusedError(Decision(False, sentence, permission))


def _may(subject: Subject, permission: Permission, scope: Scope) -> bool:
    if subject.kind is Kind.SYSTEM:
        return True
    reach = subject.scopes(permission)
    return subject.bounds.contains(scope) and any(mine.contains(scope) for mine in reach)


def _values(policy: RedrivePolicy) -> Mapping[str, Any]:
    return {name: getattr(policy, name) for name in FIELDS}


def _target(policy: RedrivePolicy) -> Target:
    named = [None if value == "*" else value for value in (policy.environment, policy.queue, policy.agent)]
    return Target("redrive policy", str(policy.pk), policy.name, Place(*named))
