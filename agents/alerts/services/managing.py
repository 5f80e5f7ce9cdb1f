"""Where somebody may manage alerts: in the whole of a scope, or not at all."""

from __future__ import annotations

from core.access.api import Decision, Kind, Permission, PermissionRefusedError, Scope, Subject


def may_manage(subject: Subject, scope: Scope) -> Decision:
    """A rule, a silence or a channel reaches as far as its patterns: who makes it manages all of that."""
    permission = Permission.MANAGE_ALERTS
    if subject.kind is Kind.SYSTEM:
        return Decision(True, "runs on the machine")
    if not subject.bounds.contains(scope):
        return Decision(False, f"{subject.via} is bound to {subject.bounds}.", permission)
    reach = subject.scopes(permission)
    if any(mine.contains(scope) for mine in reach):
        return Decision(True, "manages alerts there")
    where = "; ".join(map(str, reach)) or "nowhere"
    return Decision(False, f"{subject.name} may manage alerts only here: {where}.", permission)


def must_manage(subject: Subject, scope: Scope) -> None:
    decision = may_manage(subject, scope)
    if not decision:
        raise PermissionRefusedError(decision)
