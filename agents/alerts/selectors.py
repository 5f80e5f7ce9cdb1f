"""What others ask of alerts."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When

from agents.alerts.models import Alert
from agents.alerts.values import BY_SEVERITY, OPEN, State
from core.access.api import Permission, Subject
from core.access.scoping import visible

NEWEST = ("-last_raised_at", "-id")
FIELDS = {"environment": "environment", "queue": "queue", "agent": "agent"}


def _rank(field: str, first: list[str]) -> Case:
    """The order of words that the alphabet does not know."""
    whens = [When(**{field: word}, then=Value(at)) for at, word in enumerate(first)]
    return Case(*whens, default=Value(len(first)), output_field=IntegerField())


WORST_FIRST = _rank("severity", [str(each) for each in reversed(BY_SEVERITY)])
FIRING_FIRST = _rank("state", [State.FIRING, State.ACKNOWLEDGED, State.PENDING])


def seen_by(subject: Subject) -> QuerySet[Alert]:
    """An alert without a queue is not shown by a grant for some queues only; the same with agents."""
    return Alert.objects.filter(visible(subject, Permission.SEE, **FIELDS))


def one(subject: Subject, id: UUID) -> Alert | None:
    return seen_by(subject).filter(pk=id).first()


def open_(subject: Subject, limit: int) -> list[Alert]:
    """What is not over, those that nobody has first."""
    rows = seen_by(subject).filter(state__in=OPEN).order_by(FIRING_FIRST, WORST_FIRST, "first_raised_at")
    return list(rows[:limit])


def firing(subject: Subject, limit: int) -> list[Alert]:
    """What nobody has yet, critical ones first, then the longest."""
    rows = seen_by(subject).filter(state=State.FIRING).order_by(WORST_FIRST, "first_raised_at")
    return list(rows[:limit])
