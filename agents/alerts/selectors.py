"""What others ask of alerts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from agents.alerts.models import Alert, AlertChange, Channel, Notice, Point
from agents.alerts.services.managing import may_manage
from agents.alerts.values import BY_SEVERITY, OPEN, TOLD, NoticeState, Severity, State
from core.access.api import Permission, Place, Subject
from core.access.scoping import visible

NEWEST = ("-last_raised_at", "-id")
FIELDS = {"environment": "environment", "queue": "queue", "agent": "agent"}


def _rank(field: str, first: list[str]) -> Case:
    """The order of words that the alphabet does not know."""
    whens = [When(**{field: word}, then=Value(at)) for at, word in enumerate(first)]
    return Case(*whens, default=Value(len(first)), output_field=IntegerField())


WORST_FIRST = _rank("severity", [str(each) for each in reversed(BY_SEVERITY)])
WANTS_A_PERSON = Q(state=State.FIRING, under=None, silence=None) & ~Q(severity=Severity.NOTICE)
FIRING_FIRST = _rank("state", [State.FIRING, State.ACKNOWLEDGED, State.PENDING])


def seen_by(subject: Subject) -> QuerySet[Alert]:
    """An alert without a queue is not shown by a grant for some queues only; the same with agents."""
    return Alert.objects.filter(visible(subject, Permission.SEE, **FIELDS))


def one(subject: Subject, id: UUID) -> Alert | None:
    return seen_by(subject).filter(pk=id).select_related("rule", "silence", "under").first()


def open_(subject: Subject, limit: int) -> list[Alert]:
    """What fires or somebody has, those that nobody has first; without what follows from another one."""
    rows = seen_by(subject).filter(state__in=TOLD, under=None).select_related("rule")
    return list(rows.order_by(FIRING_FIRST, WORST_FIRST, "first_raised_at")[:limit])


def firing(subject: Subject, limit: int) -> list[Alert]:
    """What wants a person: nobody has it, it is worse than a notice, follows from nothing and is not silenced.
    Critical ones first, then the longest."""
    rows = seen_by(subject).filter(WANTS_A_PERSON).select_related("rule")
    return list(rows.order_by(WORST_FIRST, "first_raised_at")[:limit])


def firing_by_place() -> list[tuple[Place, int]]:
    """How many want a person, place by place, whoever may see them."""
    rows = Alert.objects.filter(WANTS_A_PERSON).order_by().values_list("environment", "queue", "agent")
    return [
        (Place(environment or None, queue or None, agent or None), number)
        for environment, queue, agent, number in rows.annotate(number=Count("pk"))
    ]


def lately(since: datetime) -> QuerySet[Alert]:
    """What is open or ended since then, whoever may see it: each with its place."""
    return Alert.objects.filter(Q(state__in=OPEN) | Q(since__gte=since)).select_related("rule")


def changes_of(alert: Alert) -> list[AlertChange]:
    """How its state changed, the last first."""
    return list(alert.changes.order_by("-pk"))


def series_of(alert: Alert, limit: int = 2_000) -> list[Point]:
    """What was measured, the first first; the newest when there are more."""
    return list(reversed(alert.points.order_by("-at", "-pk")[:limit]))


def notices_of(alert: Alert) -> list[Notice]:
    """What channels were told of it, with every attempt, the first first."""
    return list(
        alert.notices.select_related("channel").prefetch_related("attempts").order_by("made_at", "pk")
    )


def channels(subject: Subject) -> list[Channel]:
    """Those that the subject may manage, by name."""
    return [each for each in Channel.objects.order_by("name") if may_manage(subject, each.scope)]


def channel(subject: Subject, id: UUID) -> Channel | None:
    found = Channel.objects.filter(pk=id).first()
    return found if found and may_manage(subject, found.scope) else None


def open_by_rule() -> list[tuple[str, str, str, int]]:
    """How many are open, by rule (empty: an agent raised them), severity and state, whoever may see them."""
    rows = Alert.objects.filter(state__in=OPEN).order_by().values_list("rule__name", "severity", "state")
    counted = rows.annotate(number=Count("pk"))
    return [(rule or "", severity, state, number) for rule, severity, state, number in counted]


def unsettled_by_channel() -> list[tuple[str, str, int]]:
    """How many notices wait or were given up, by channel and state."""
    rows = Notice.objects.exclude(state=NoticeState.SENT).order_by().values_list("channel__name", "state")
    return list(rows.annotate(number=Count("pk")))
