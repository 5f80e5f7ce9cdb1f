"""Who changes something, from where and why: what every service of access asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from core.access.api import Decision, Kind, Permission, PermissionRefusedError, Scope, Subject
from core.access.audit.api import Action, Target, record

EVERYWHERE = Scope()
# Whoever may run commands on the machine has the database and its keys, and so every right.
_MACHINE = Subject(Kind.SYSTEM, "postroom", "postroom")


@dataclass(frozen=True, slots=True)
class Actor:
    """A subject at work. `why` is its own reason, for the audit trail."""

    subject: Subject
    source: str = ""
    why: str = field(default="")

    def record(self, action: Action, on: Target, *, before: Any = None, after: Any = None) -> None:
        """Write what was done, as the last thing in the transaction that does it."""
        record(action, by=self.subject, on=on, source=self.source, why=self.why, before=before, after=after)

    def must_manage(self, scope: Scope = EVERYWHERE) -> None:
        """Raise PermissionRefusedError unless the subject manages access in the whole of the scope."""
        decision = may_manage(self.subject, scope)
        if not decision:
            raise PermissionRefusedError(decision)


def of_request(request: HttpRequest, why: str = "") -> Actor:
    subject: Subject = request.subject  # type: ignore[attr-defined]
    return Actor(subject, request.META.get("REMOTE_ADDR", ""), why)


def of_command(name: str) -> Actor:
    """For `manage.py NAME`."""
    return Actor(_MACHINE, f"manage.py {name}")


def of_sign_in() -> Actor:
    """For the account that the first single sign-on makes."""
    return Actor(_MACHINE, "single sign-on")


def may_manage(subject: Subject, scope: Scope) -> Decision:
    """May the subject hand out rights in this scope? Only where it manages access itself, all of it."""
    if subject.kind is Kind.SYSTEM:
        return Decision(True, "runs on the machine")
    if not subject.bounds.contains(scope):
        return Decision(False, f"{subject.via} is bound to {subject.bounds}.", Permission.MANAGE_ACCESS)
    reach = subject.scopes(Permission.MANAGE_ACCESS)
    if any(mine.contains(scope) for mine in reach):
        return Decision(True, "manages access there")
    where = "; ".join(map(str, reach)) or "nowhere"
    return Decision(False, f"{subject.name} may manage access only here: {where}.", Permission.MANAGE_ACCESS)
