"""Rules of masking: made, changed and removed, each with an entry in the trail. They hold everywhere."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from agents.deadletters.masking import MaskError, Rule, checked
from agents.deadletters.models import MaskRule
from agents.deadletters.values import MaskKind
from core.access.api import Permission, Place, require
from core.access.audit.api import Action, Target
from core.access.services import AccessError, Actor

FIELDS = ("name", "kind", "what", "enabled")


class MaskRefusedError(AccessError):
    """The rule cannot be used. Write it as the text says."""


@transaction.atomic
def save(rule: MaskRule, actor: Actor) -> MaskRule:
    """Raises MaskRefusedError and PermissionRefusedError."""
    require(actor.subject, Permission.MANAGE_LETTERS, Place())
    try:
        checked(Rule(MaskKind(rule.kind), rule.what))
    except MaskError as problem:
        raise MaskRefusedError(str(problem)) from None
    before = MaskRule.objects.select_for_update().filter(pk=rule.pk).first()
    rule.save()
    old = _shown(before) if before else None
    actor.record(Action.MASK_RULE_CHANGED, _target(rule), before=old, after=_shown(rule))
    return rule


@transaction.atomic
def remove(rule: MaskRule, actor: Actor) -> None:
    """What it hid is shown again. Raises PermissionRefusedError."""
    require(actor.subject, Permission.MANAGE_LETTERS, Place())
    before, target = _shown(rule), _target(rule)
    rule.delete()
    actor.record(Action.MASK_RULE_REMOVED, target, before=before)


def _shown(rule: MaskRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in FIELDS}


def _target(rule: MaskRule) -> Target:
    return Target("masking rule", str(rule.pk), rule.name)
