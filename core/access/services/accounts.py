"""Accounts of people and of machines."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from core.access.audit.api import Action, Target
from core.access.models import ServiceAccount, User
from core.access.services import managers
from core.access.services.actor import Actor

_PERSON_FIELDS = ("username", "first_name", "last_name", "email", "is_active", "oidc_subject")
_SERVICE_FIELDS = ("name", "description", "active", "jwt_subject")


def made_up_password() -> str:
    return secrets.token_urlsafe(15)


@transaction.atomic
def create_person(username: str, password: str | None, actor: Actor, **fields: Any) -> User:
    """A person with no rights yet. Without a password it can only come by single sign-on."""
    actor.must_manage()
    user = User.objects.create_user(username, password=password, **fields)
    actor.record(Action.ACCOUNT_CREATED, target(user), after=_values(user))
    return user


@transaction.atomic
def create_service_account(name: str, actor: Actor, **fields: Any) -> ServiceAccount:
    actor.must_manage()
    account = ServiceAccount.objects.create(name=name, **fields)
    actor.record(Action.ACCOUNT_CREATED, target(account), after=_values(account))
    return account


@transaction.atomic
def change_account(account: User | ServiceAccount, actor: Actor, **fields: Any) -> None:
    """Change an account's own fields. Switching it off ends its sessions and its tokens."""
    actor.must_manage()
    current = type(account).objects.select_for_update().get(pk=account.pk)
    before = _values(current)
    for name, value in fields.items():
        setattr(current, name, value)
    with managers.kept():
        current.save()
    if before != _values(current):
        actor.record(Action.ACCOUNT_CHANGED, target(current), before=before, after=_values(current))


@transaction.atomic
def delete_account(account: User | ServiceAccount, actor: Actor) -> None:
    """The account goes with its grants and tokens; the trail keeps what it did."""
    actor.must_manage()
    held = [f"{grant.role}, {grant.scope}" for grant in account.grants.select_related("role")]
    before, gone = _values(account) | {"grants": held}, target(account)
    with managers.kept():
        account.delete()
    actor.record(Action.ACCOUNT_DELETED, gone, before=before)


@transaction.atomic
def set_groups(user: User, groups: Iterable[Group], actor: Actor) -> None:
    actor.must_manage()
    before = _group_names(user)
    with managers.kept():
        user.groups.set(groups)
    after = _group_names(user)
    if before != after:
        actor.record(Action.ACCOUNT_CHANGED, target(user), before={"groups": before}, after={"groups": after})


@transaction.atomic
def change_password(user: User, password: str, actor: Actor) -> None:
    """Everyone may change their own; somebody else's takes the right to manage access. Ends all the sessions."""
    if str(user.pk) != actor.subject.id or actor.subject.via != "session":
        actor.must_manage()
    user.set_password(password)
    user.save(update_fields=["password"])
    actor.record(Action.PASSWORD_CHANGED, target(user))


def target(account: User | ServiceAccount) -> Target:
    kind = "person" if isinstance(account, User) else "service account"
    return Target(kind, str(account.pk), str(account))


def _values(account: User | ServiceAccount) -> dict[str, Any]:
    fields = _PERSON_FIELDS if isinstance(account, User) else _SERVICE_FIELDS
    return {name: getattr(account, name) for name in fields}


def _group_names(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))
