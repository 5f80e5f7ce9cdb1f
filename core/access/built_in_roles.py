"""The roles out of the box. They are the same in every Postroom; `migrate` makes the table say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.access.permissions import Permission as P


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A role as the code declares it."""

    title: str
    permissions: frozenset[P]


_OPERATE = {
    P.SEE,
    P.READ_PAYLOADS,
    P.EXPORT,
    P.TRIAGE,
    P.REDRIVE,
    P.EDIT,
    P.MOVE,
    P.PURGE,
    P.RESTORE,
    P.SETTLE,
}

BUILT_IN_ROLES: dict[str, BuiltInRole] = {
    "viewer": BuiltInRole("Looks, and touches nothing", frozenset({P.SEE})),
    "operator": BuiltInRole(
        "Puts messages right", frozenset(_OPERATE | {P.CONTROL_AGENTS, P.DISCOVER, P.OBSERVE})
    ),
    "approver": BuiltInRole("Is the second person", frozenset({P.SEE, P.READ_PAYLOADS, P.APPROVE})),
    "security": BuiltInRole(
        "Keeps access and the audit trail", frozenset({P.SEE, P.MANAGE_ACCESS, P.READ_AUDIT, P.OBSERVE})
    ),
    "admin": BuiltInRole("May do everything", frozenset(P)),
    "ingest": BuiltInRole("Sends telemetry", frozenset({P.WRITE_TELEMETRY})),
    "agent": BuiltInRole(
        "Is an agent",
        frozenset(
            {P.WRITE_TELEMETRY, P.REGISTER, P.DISCOVER, P.WRITE_LETTERS, P.RAISE_ALERTS, P.WRITE_AUDIT}
        ),
    ),
    "automation": BuiltInRole(
        "Operates by program",
        frozenset((_OPERATE - {P.EDIT, P.SETTLE}) | {P.CONTROL_AGENTS, P.DISCOVER, P.OBSERVE}),
    ),
}

# A token whose role holds one of these brings data in, and so is bound to environments.
WRITING = frozenset({P.WRITE_TELEMETRY, P.REGISTER, P.WRITE_LETTERS, P.RAISE_ALERTS, P.WRITE_AUDIT})


def install(using: str = "default", **_: Any) -> None:
    """Make the table's built-in roles equal to the code's. Runs after every `migrate`."""
    from core.access.models import Role

    for name, role in BUILT_IN_ROLES.items():
        Role.objects.using(using).update_or_create(
            name=name,
            defaults={"title": role.title, "permissions": sorted(role.permissions), "built_in": True},
        )
