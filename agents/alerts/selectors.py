"""What others ask of alerts."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from agents.alerts.models import Alert
from agents.alerts.values import OPEN, State
from core.access.api import Permission, Subject
from core.access.scoping import visible

NEWEST = ("-last_raised_at", "-id")


def seen_by(subject: Subject) -> QuerySet[Alert]:
    """An alert has no queue: a grant for some queues only does not show it."""
    return Alert.objects.filter(visible(subject, Permission.SEE, environment="environment", agent="agent"))


def one(subject: Subject, id: UUID) -> Alert | None:
    return seen_by(subject).filter(pk=id).first()


def open_(subject: Subject, limit: int) -> list[Alert]:
    """What is not over, those that nobody has first."""
    rows = seen_by(subject).filter(state__in=OPEN).order_by("-state", "severity", "first_raised_at")
    return list(rows[:limit])


def firing(subject: Subject, limit: int) -> list[Alert]:
    """What nobody has yet, critical ones first, then the longest."""
    rows = seen_by(subject).filter(state=State.FIRING).order_by("severity", "first_raised_at")
    return list(rows[:limit])
