"""Roles: made, changed and deleted. Built-in ones never."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from core.access.api import Permission
from core.access.audit.api import Action, Target
from core.access.models import Role
from core.access.services import managers
from core.access.services.actor import Actor
from core.access.services.errors import AccessError, BuiltInRoleError, RoleInUseError


@transaction.atomic
def create_role(name: str, permissions: Iterable[Permission], actor: Actor, *, title: str = "") -> Role:
    actor.must_manage()
    role = Role(name=name, title=title, permissions=_stored(permissions))
    _check_new(role)
    role.save(force_insert=True)
    actor.record(Action.ROLE_CREATED, _target(role), after=_values(role))
    return role


@transaction.atomic
def change_role(role: Role, permissions: Iterable[Permission], actor: Actor, *, title: str) -> None:
    actor.must_manage()
    current = Role.objects.select_for_update().get(pk=role.pk)
    if current.built_in:
        raise BuiltInRoleError
    before = _values(current)
    current.permissions, current.title = _stored(permissions), title
    with managers.kept():
        current.save(update_fields=["permissions", "title"])
    actor.record(Action.ROLE_CHANGED, _target(role), before=before, after=_values(current))


@transaction.atomic
def delete_role(role: Role, actor: Actor) -> None:
    actor.must_manage()
    current = Role.objects.select_for_update().get(pk=role.pk)
    if current.built_in:
        raise BuiltInRoleError
    if current.grants.exists():
        raise RoleInUseError
    before, target = _values(current), _target(current)
    current.delete()
    actor.record(Action.ROLE_DELETED, target, before=before)


def _check_new(role: Role) -> None:
    if Role.objects.filter(name=role.name).exists():
        raise AccessError(f"There is a role {role.name} already.")


def _stored(permissions: Iterable[Permission]) -> list[str]:
    names = sorted({str(Permission(each)) for each in permissions})
    if not names:
        raise AccessError("A role with no permission does nothing. Choose at least one.")
    return names


def _values(role: Role) -> dict[str, object]:
    return {"title": role.title, "permissions": role.permissions}


def _target(role: Role) -> Target:
    return Target("role", role.name, role.name)
