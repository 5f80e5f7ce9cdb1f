"""What can this subject do? Every permission, whether it has it, where, and by which role. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.access.api import Grant, Scope, Subject
from core.access.permissions import ABOUT, Permission


@dataclass(frozen=True, slots=True)
class Where:
    """One reason why a permission is held: the role, and its reach."""

    role: str
    scope: Scope
    through: str

    @property
    def because(self) -> str:
        return f"role {self.role}" + (f", through group {self.through}" if self.through else "")


@dataclass(frozen=True, slots=True)
class Right:
    """One permission, and everywhere the subject holds it."""

    permission: Permission
    title: str
    means: str
    where: tuple[Where, ...]

    @property
    def held(self) -> bool:
        return bool(self.where)


def rights(subject: Subject) -> list[Right]:
    """All permissions in their order, held or not. `subject.bounds` still narrows what is said here."""
    return [
        Right(permission, about.title, about.means, tuple(_where(subject, permission)))
        for permission, about in ABOUT.items()
    ]


def _where(subject: Subject, permission: Permission) -> Iterator[Where]:
    return (_reason(grant) for grant in subject.grants if permission in grant.permissions)


def _reason(grant: Grant) -> Where:
    return Where(grant.role, grant.scope, grant.through)
