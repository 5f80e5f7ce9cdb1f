"""What a subject may see of spans and logs, as the store asks for it."""

from __future__ import annotations

from agents.spans.api import EVERYWHERE, Reach
from core.access.api import Permission, Place, Scope, Subject, may


def reach_of(subject: Subject, permission: Permission = Permission.SEE) -> Reach:
    """Where the subject has the permission. Who has it everywhere gets EVERYWHERE, and the store need not ask."""
    anywhere = Scope()
    if subject.bounds == anywhere and anywhere in subject.scopes(permission):
        return EVERYWHERE

    def reach(place: Place) -> bool:
        return bool(may(subject, permission, place))

    return reach
