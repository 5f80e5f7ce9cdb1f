"""Notices are written here, in the transaction of the change that they tell of; handing them over is for later.

Whether anybody is told is decided here too: what follows from another alert or is silenced is not, until that is
over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from agents.alerts import telling
from agents.alerts.models import Alert, Channel, Notice, Silence
from agents.alerts.telling import Told
from agents.alerts.values import BY_SEVERITY, NoticeKind, Severity, State
from core import clock, ids

TITLE = 300


@transaction.atomic
def tell_fired(alerts: Iterable[Alert], now: datetime | None = None) -> int:
    """Tell of those that fire and that nobody was told of yet; returns how many. Safe to call again."""
    moment = now or clock.now()
    silences = active_silences(moment)
    quiet = [_quieten(alert, silences) for alert in alerts if alert.told_at is None]
    fresh = [alert for alert in quiet if alert.silence_id is None and alert.under_id is None]
    # Compare-and-set: another one that told of it in between wins.
    mine = [
        alert
        for alert in fresh
        if Alert.objects.filter(pk=alert.pk, told_at=None, state=State.FIRING).update(told_at=moment)
    ]
    for channel in Channel.objects.filter(enabled=True) if mine else ():
        _write(channel, NoticeKind.FIRED, [alert for alert in mine if wants(channel, alert)], moment)
    return len(mine)


@transaction.atomic
def tell_cleared(alerts: Iterable[Alert], now: datetime | None = None) -> None:
    """Tell the channels that were told that these fire that they are over."""
    moment = now or clock.now()
    ended = {alert.pk: alert for alert in alerts if alert.told_at is not None}
    told = Notice.objects.filter(kind=NoticeKind.FIRED, alerts__in=ended, channel__enabled=True)
    pairs = told.filter(channel__when_cleared=True).values_list("channel", "alerts").distinct()
    by_channel: dict[UUID, list[Alert]] = {}
    for id, alert in pairs:
        if alert in ended:
            by_channel.setdefault(id, []).append(ended[alert])
    for channel in Channel.objects.filter(pk__in=list(by_channel)):
        _write(channel, NoticeKind.CLEARED, by_channel[channel.pk], moment)


def untold() -> QuerySet[Alert]:
    """What fires and nobody was told of."""
    return Alert.objects.filter(state=State.FIRING, told_at=None).select_related("rule")


def active_silences(moment: datetime) -> list[Silence]:
    return list(Silence.objects.filter(begins_at__lte=moment, ends_at__gt=moment))


def silenced_by(alert: Alert, silences: Sequence[Silence]) -> Silence | None:
    """The silence that ends last, of those that match."""
    found = [
        each for each in silences if each.rule_id in {None, alert.rule_id} and each.scope.covers(alert.place)
    ]
    return max(found, key=lambda each: each.ends_at, default=None)


def wants(channel: Channel, alert: Alert) -> bool:
    """Is it bad enough for this channel, and in its scope?"""
    rank = BY_SEVERITY.index
    enough = rank(Severity(alert.severity)) >= rank(Severity(channel.at_least))
    return enough and channel.scope.covers(alert.place)


def _quieten(alert: Alert, silences: Sequence[Silence]) -> Alert:
    """With what silences it now; a silence that is over lets it speak."""
    silence = silenced_by(alert, silences)
    if alert.silence_id != (silence.pk if silence else None):
        alert.silence = silence
        Alert.objects.filter(pk=alert.pk).update(silence=silence)
    return alert


def _write(channel: Channel, kind: NoticeKind, alerts: Sequence[Alert], now: datetime) -> None:
    by_id = {str(alert.pk): alert for alert in alerts}
    for parcel in telling.in_parcels([told(alert) for alert in alerts]):
        words, id = telling.worded(kind, parcel), ids.new()
        notice = Notice.objects.create(
            id=id,
            channel=channel,
            kind=kind,
            title=words.title[:TITLE],
            text=words.text,
            body=telling.body(str(id), kind, parcel, now),
            severity=words.severity,
            made_at=now,
            due_at=now,
        )
        notice.alerts.set([by_id[each.id] for each in parcel])


def told(alert: Alert) -> Told:
    """The alert as notices tell it."""
    same = ("state", "severity", "title", "detail", "environment", "broker", "queue", "agent")
    return Told(
        id=str(alert.pk),
        **{name: str(getattr(alert, name)) for name in same},
        rule=alert.rule.name if alert.rule else "",
        value=alert.value,
        threshold=alert.threshold,
        since=alert.since,
        link=f"{_home()}/alerts/{alert.pk}",
        folded=alert.folded.filter(state=State.FIRING).count(),
    )


def _home() -> str:
    """Where people reach Postroom."""
    given = settings.POSTROOM.public_url
    return given.rstrip("/") if given else f"http://{settings.POSTROOM.bind}"
