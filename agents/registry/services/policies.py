"""Who may ask whom for what: sender policies are made, changed and deleted by those who manage access."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from django.db import transaction

from agents.registry.models import SenderPolicy
from core.access.api import Place, Scope
from core.access.audit.api import Action, Target
from core.access.services import Actor

FIELDS = ("position", "environment", "sender", "recipient", "action", "effect", "note")


@transaction.atomic
def save(policy: SenderPolicy, actor: Actor) -> None:
    """Make the policy, or change it to what the value says."""
    before = SenderPolicy.objects.select_for_update().filter(pk=policy.pk).first() if policy.pk else None
    for each in filter(None, (before, policy)):
        actor.must_manage(Scope(environment=each.environment))
    old, new = _values(before) if before else None, _values(policy)
    if old == new:
        return
    policy.save()
    action = Action.SENDER_POLICY_CHANGED if before else Action.SENDER_POLICY_CREATED
    actor.record(action, _target(policy), before=old, after=new)


@transaction.atomic
def delete(policy: SenderPolicy, actor: Actor) -> None:
    actor.must_manage(Scope(environment=policy.environment))
    before, target = _values(policy), _target(policy)
    policy.delete()
    actor.record(Action.SENDER_POLICY_DELETED, target, before=before)


def applying(environment: str, recipient: str = "") -> list[SenderPolicy]:
    """The policies of an environment in the order in which they decide; of one recipient when one is named."""
    return [
        each
        for each in SenderPolicy.objects.order_by("position", "pk")
        if fnmatchcase(environment, each.environment)
        and (not recipient or fnmatchcase(recipient, each.recipient))
    ]


def _values(policy: SenderPolicy) -> Mapping[str, Any]:
    return {name: getattr(policy, name) for name in FIELDS}


def _target(policy: SenderPolicy) -> Target:
    return Target("sender policy", str(policy.pk), str(policy), Place(policy.environment))
