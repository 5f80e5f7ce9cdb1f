"""Who needs a second person, and for what. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.access.api import Grant, Permission, Place, Scope, Subject


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of an action that goes without a second person. `role` None: for every role without one of its own."""

    action: Permission
    role: str | None
    scope: Scope
    above: int


def needs_second_person(
    limits: Iterable[Limit], subject: Subject, action: Permission, place: Place, count: int
) -> Limit | None:
    """The limit that is passed; None when the subject may go on alone.

    Rights add up, so the most generous of the subject's roles counts, and within a role the strictest of its limits.
    """
    relevant = [limit for limit in limits if limit.action is action and limit.scope.covers(place)]
    holding = [g for g in subject.grants if action in g.permissions and g.scope.covers(place)]
    passed = [_of_role(relevant, grant) for grant in holding]
    if not passed or None in passed:
        return None
    widest = max((limit for limit in passed if limit), key=lambda limit: limit.above)
    return widest if count > widest.above else None


def _of_role(limits: list[Limit], grant: Grant) -> Limit | None:
    own = [limit for limit in limits if limit.role == grant.role]
    chosen = own or [limit for limit in limits if limit.role is None]
    return min(chosen, key=lambda limit: limit.above, default=None)
