"""From accounts in the database to grants as values."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from core.access.api import Grant, Kind, Subject
from core.access.models import GrantRow, ServiceAccount, User


def of_user(user: User) -> tuple[Grant, ...]:
    """The person's own grants and those of their groups."""
    return _values(GrantRow.objects.filter(Q(user=user) | Q(group__user=user)).distinct())


def of_service_account(account: ServiceAccount) -> tuple[Grant, ...]:
    return _values(GrantRow.objects.filter(service_account=account))


def subject_of(account: User | ServiceAccount, *, via: str = "", stamp: str = "") -> Subject:
    """The account as a subject, with everything it was granted."""
    if isinstance(account, User):
        return Subject(
            Kind.PERSON, str(account.pk), account.get_username(), of_user(account), via=via, stamp=stamp
        )
    return Subject(
        Kind.SERVICE, str(account.pk), account.name, of_service_account(account), via=via, stamp=stamp
    )


def _values(rows: QuerySet[GrantRow]) -> tuple[Grant, ...]:
    return tuple(value(row) for row in rows.select_related("role", "group"))


def value(row: GrantRow) -> Grant:
    """A row as `may` reads it."""
    return Grant(row.role.name, row.role.allowed(), row.scope, row.group.name if row.group else "")
