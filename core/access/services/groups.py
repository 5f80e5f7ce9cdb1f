"""Groups of people."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction

from core.access.audit.api import Action, Target
from core.access.services import managers
from core.access.services.actor import Actor


@transaction.atomic
def save_group(group: Group, actor: Actor) -> None:
    """Make the group, or rename it."""
    actor.must_manage()
    before = Group.objects.filter(pk=group.pk).values("name").first()
    group.save()
    actor.record(Action.GROUP_CHANGED, _target(group), before=before, after={"name": group.name})


@transaction.atomic
def delete_group(group: Group, actor: Actor) -> None:
    """Its members lose what they had through it."""
    actor.must_manage()
    target = _target(group)
    before = {"name": group.name, "members": list(group.user_set.values_list("username", flat=True))}
    with managers.kept():
        group.delete()
    actor.record(Action.GROUP_CHANGED, target, before=before)


def _target(group: Group) -> Target:
    return Target("group", str(group.pk), group.name)
