"""What others ask of pauses."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from agents.queues.control.models import Pause
from agents.queues.control.values import HOLDS, OPEN
from agents.queues.values import QueueKey
from core.access.api import Permission, Subject
from core.access.scoping import visible


def seen_by(subject: Subject) -> QuerySet[Pause]:
    return Pause.objects.filter(visible(subject, Permission.SEE, environment="environment", queue="queue"))


def one(subject: Subject, id: UUID) -> Pause | None:
    return seen_by(subject).filter(pk=id).first()


def open_of(key: QueueKey) -> Pause | None:
    """The pause of a queue that is not over."""
    return Pause.objects.filter(broker=key.broker, queue=key.name, state__in=OPEN).first()


def held() -> set[QueueKey]:
    """Queues from which nobody is meant to take now: that they have no consumer is no fault."""
    rows = Pause.objects.filter(state__in=HOLDS)
    return {QueueKey(*each) for each in rows.values_list("broker", "queue")}
