"""The front door of access: who a subject is, what place an action touches, and whether it may be done.

`may` is a pure function of values. It reads no database: a Subject carries its grants, read once a request (and
once a websocket, until a change of access tells it to read again).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from math import inf

from core.access.permissions import ABOUT, Permission

__all__ = [
    "ANONYMOUS",
    "SOMEWHERE",
    "Decision",
    "Grant",
    "Kind",
    "Permission",
    "PermissionRefusedError",
    "Place",
    "Scope",
    "Subject",
    "may",
    "require",
]


class Kind(StrEnum):
    """What sort of account stands behind a subject."""

    ANONYMOUS = "anonymous"
    PERSON = "person"
    SERVICE = "service"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is. None: the thing has no such dimension (an environment's page has no queue)."""

    environment: str | None = None
    queue: str | None = None
    agent: str | None = None


# For pages and lists, whose rows are filtered by scope afterwards: allowed as soon as one grant reaches anywhere.
SOMEWHERE = Place("*somewhere*", "*somewhere*", "*somewhere*")


@dataclass(frozen=True, slots=True)
class Scope:
    """Patterns (`*`, `?`, `[…]`) of environment, queue and agent; all three must match."""

    environment: str = "*"
    queue: str = "*"
    agent: str = "*"

    def covers(self, place: Place) -> bool:
        if place == SOMEWHERE:
            return True
        pairs = ((self.environment, place.environment), (self.queue, place.queue), (self.agent, place.agent))
        # A grant for some queues says nothing about a thing that has no queue.
        return all(
            pattern == "*" if value is None else fnmatchcase(value, pattern) for pattern, value in pairs
        )

    def contains(self, other: Scope) -> bool:
        """Is everything that `other` covers covered here too? Says no when patterns cannot be compared for sure."""
        pairs = (
            (self.environment, other.environment),
            (self.queue, other.queue),
            (self.agent, other.agent),
        )
        return all(_wider(mine, theirs) for mine, theirs in pairs)

    def __str__(self) -> str:
        parts = (("environment", self.environment), ("queue", self.queue), ("agent", self.agent))
        return ", ".join(f"{name} {pattern}" for name, pattern in parts if pattern != "*") or "everywhere"


_WILD = frozenset("*?[")


def _wider(pattern: str, other: str) -> bool:
    if pattern in {"*", other}:
        return True
    if not _WILD & set(other):
        return fnmatchcase(other, pattern)
    # Two patterns: only `text*` is certain to contain what begins with its text.
    text = pattern.removesuffix("*")
    return text != pattern and not _WILD & set(text) and other.startswith(text)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role joined to a subject within a scope."""

    role: str
    permissions: frozenset[Permission]
    scope: Scope = Scope()
    # The group that it comes from; empty for the account's own.
    through: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks. `bounds` narrows every grant (the scope that a token is bound to)."""

    kind: Kind
    id: str
    name: str
    grants: tuple[Grant, ...] = ()
    bounds: Scope = Scope()
    # How it proved who it is (session, token:NAME, jwt:ISSUER), for the audit trail.
    via: str = ""
    # Changes when access was changed; a live socket compares it.
    stamp: str = field(default="", compare=False)
    # When its proof ends, in seconds since 1970.
    until: float = field(default=inf, compare=False)

    def scopes(self, permission: Permission) -> tuple[Scope, ...]:
        """Where the subject has a permission, for selectors that filter rows. `bounds` applies as well."""
        return tuple(grant.scope for grant in self.grants if permission in grant.permissions)


ANONYMOUS = Subject(Kind.ANONYMOUS, "", "nobody")


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with a sentence for whoever is refused."""

    allowed: bool
    reason: str
    missing: Permission | None = None

    def __bool__(self) -> bool:
        return self.allowed


def may(subject: Subject, permission: Permission, place: Place = SOMEWHERE) -> Decision:
    """May this subject do this there? Refused unless a grant says otherwise."""
    if subject.kind is Kind.ANONYMOUS:
        return Decision(False, "Sign in, or send a token.", permission)
    title = ABOUT[permission].title.lower()
    holding = [grant for grant in subject.grants if permission in grant.permissions]
    if not holding:
        return Decision(False, f"{subject.name} has no role with the right to {title}.", permission)
    if not subject.bounds.covers(place):
        return Decision(False, f"{subject.via or subject.name} is bound to {subject.bounds}.", permission)
    for grant in holding:
        if grant.scope.covers(place):
            return Decision(True, f"role {grant.role}, {grant.scope}")
    reach = "; ".join(str(grant.scope) for grant in holding)
    return Decision(False, f"{subject.name} may {title} only here: {reach}.", permission)


class PermissionRefusedError(Exception):
    """The subject may not do this there. The middleware turns it into a 403 that says why."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reason)
        self.decision = decision


def require(subject: Subject, permission: Permission, place: Place = SOMEWHERE) -> None:
    """Go on if `may` says so, else raise PermissionRefusedError."""
    decision = may(subject, permission, place)
    if not decision:
        raise PermissionRefusedError(decision)
