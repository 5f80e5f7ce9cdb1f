"""Questions about access, asked of the database."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from core import clock
from core.access import grants, scoping
from core.access.api import SOMEWHERE, Permission, Place, Subject, may
from core.access.models import Approval, GrantRow, Role, User
from core.access.models.approvals import ApprovalState


def who_may(permission: Permission, place: Place = SOMEWHERE) -> list[str]:
    """The people who may do this there: whom to ask for it. By name, in order."""
    people = User.objects.filter(Q(grants__isnull=False) | Q(groups__grants__isnull=False), is_active=True)
    return [
        person.username
        for person in people.distinct().order_by("username")
        if may(grants.subject_of(person), permission, place)
    ]


def holders(role: Role) -> QuerySet[GrantRow]:
    """Who has a role, and where."""
    return role.grants.select_related("user", "group", "service_account", "role")


def waiting() -> QuerySet[Approval]:
    """What waits for anybody's approval, the oldest first."""
    due = Q(expires_at=None) | Q(expires_at__gt=clock.now())
    return Approval.objects.filter(due, state=ApprovalState.WAITING).order_by("asked_at")


def waiting_for(subject: Subject) -> list[Approval]:
    """What waits for this subject's approval: not what it asked itself, and only where it may approve."""
    return [approval for approval in waiting() if may_decide(subject, approval)]


def may_decide(subject: Subject, approval: Approval) -> bool:
    """Does it wait, and may this subject be its second person?"""
    if approval.state_now != ApprovalState.WAITING or approval.asked_by(subject):
        return False
    return bool(may(subject, Permission.APPROVE, approval.place))


def approvals_seen_by(subject: Subject) -> QuerySet[Approval]:
    """What the subject asked for itself, and what is about a place that it sees."""
    mine = Q(asked_by_kind=str(subject.kind), asked_by_id=subject.id)
    seen = scoping.visible(subject, Permission.SEE, environment="environment", queue="queue", agent="agent")
    # An empty condition holds everywhere, and joined by "or" Django would forget it.
    return Approval.objects.filter(mine | seen) if seen else Approval.objects.all()


def asked_by(subject: Subject, at_most: int) -> QuerySet[Approval]:
    """What the subject asked a second person for, newest first."""
    mine = Approval.objects.filter(asked_by_kind=str(subject.kind), asked_by_id=subject.id)
    return mine.order_by("-asked_at")[:at_most]


def decided_by(subject: Subject, at_most: int) -> QuerySet[Approval]:
    """What the subject decided for others, newest first."""
    decided = Approval.objects.filter(decided_by_kind=str(subject.kind), decided_by_id=subject.id)
    others = decided.exclude(asked_by_kind=str(subject.kind), asked_by_id=subject.id)
    return others.order_by("-decided_at")[:at_most]
