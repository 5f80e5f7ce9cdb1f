"""The guard against locking everybody out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Q

from core.access.api import Permission
from core.access.models import GrantRow, Role
from core.access.services.errors import LastManagerError


@contextmanager
def kept() -> Iterator[None]:
    """Around a change, inside its transaction: LastManagerError if it leaves no person who manages access."""
    before = _somebody_manages()
    yield
    if before and not _somebody_manages():
        raise LastManagerError


def _somebody_manages() -> bool:
    managing = [role.pk for role in Role.objects.all() if Permission.MANAGE_ACCESS in role.allowed()]
    everywhere = GrantRow.objects.filter(role__in=managing, environment="*", queue="*", agent="*")
    active = Q(user__is_active=True) | Q(group__user__is_active=True)
    return everywhere.filter(active).exists()
