"""The safety net under `services`: whoever saves or deletes a row of access, the stamp moves."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_delete, post_save

from core.access import stamp
from core.access.models import GrantRow, Role, ServiceAccount, Token, User

_OF_ACCESS = (User, Group, ServiceAccount, Role, GrantRow, Token)


def connect() -> None:
    for model in _OF_ACCESS:
        name = model.__name__
        post_save.connect(_saved, sender=model, dispatch_uid=f"postroom-stamp-save-{name}")
        post_delete.connect(_changed, sender=model, dispatch_uid=f"postroom-stamp-delete-{name}")
    m2m_changed.connect(_members, sender=User.groups.through, dispatch_uid="postroom-stamp-groups")


def _saved(raw: bool = False, update_fields: AbstractSet[str] | None = None, **_: Any) -> None:
    # Signing in writes down when; that changes nobody's rights.
    if not raw and update_fields != {"last_login"}:
        stamp.bump()


def _changed(**_: Any) -> None:
    stamp.bump()


def _members(action: str, **_: Any) -> None:
    if action.startswith("post_"):
        stamp.bump()
