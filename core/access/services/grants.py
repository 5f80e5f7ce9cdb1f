"""Grants: given and taken away."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from core.access.api import Place, Scope
from core.access.audit.api import Action, Target
from core.access.models import GrantRow, Role, ServiceAccount, User
from core.access.services import managers
from core.access.services.actor import Actor
from core.access.services.errors import AlreadyGoneError

Holder = User | Group | ServiceAccount


@transaction.atomic
def give(holder: Holder, role: Role, scope: Scope, actor: Actor) -> GrantRow:
    """Give a role; giving it twice in the same scope is giving it once."""
    actor.must_manage(scope)
    who: dict[str, Any] = {field_of(holder): holder}
    grant, new = GrantRow.objects.get_or_create(
        **who,
        role=role,
        environment=scope.environment,
        queue=scope.queue,
        agent=scope.agent,
    )
    if new:
        actor.record(Action.GRANT_GIVEN, _target(grant), after=_values(grant))
    return grant


@transaction.atomic
def take_away(grant: GrantRow, actor: Actor) -> None:
    actor.must_manage(grant.scope)
    before, target = _values(grant), _target(grant)
    with managers.kept():
        deleted, _ = GrantRow.objects.filter(pk=grant.pk).delete()
    if not deleted:
        raise AlreadyGoneError
    actor.record(Action.GRANT_TAKEN, target, before=before)


def field_of(holder: Holder) -> str:
    if isinstance(holder, User):
        return "user"
    return "group" if isinstance(holder, Group) else "service_account"


def _values(grant: GrantRow) -> dict[str, str]:
    return {
        "role": grant.role.name,
        grant.holder_kind: grant.holder_name,
        "environment": grant.environment,
        "queue": grant.queue,
        "agent": grant.agent,
    }


def _target(grant: GrantRow) -> Target:
    scope = grant.scope
    # A pattern is no place; only an exact one says where the grant is.
    parts = (scope.environment, scope.queue, scope.agent)
    place = Place(*(None if set("*?[") & set(part) else part for part in parts))
    return Target("grant", str(grant.pk), f"{grant.role.name} to {grant.holder_name}", place)
