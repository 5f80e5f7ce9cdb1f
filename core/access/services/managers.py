"""The guard against locking everybody out."""

from __future__ import annotations

from core.access.api import Permission
from core.access.models import GrantRow, Role
from core.access.services.errors import LastManagerError


def must_remain() -> None:
    """Raise LastManagerError, inside the transaction that would cause it, when no person manages access any more."""
    managing = [role.pk for role in Role.objects.all() if Permission.MANAGE_ACCESS in role.allowed()]
    everywhere = GrantRow.objects.filter(role__in=managing, environment="*", queue="*", agent="*")
    if everywhere.filter(user__is_active=True).exists():
        return
    if not everywhere.filter(group__user__is_active=True).exists():
        raise LastManagerError
