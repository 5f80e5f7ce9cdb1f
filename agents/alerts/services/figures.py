"""Figures of alerts and notices for `/metrics`, counted where they are looked at: in the watcher that leads."""

from __future__ import annotations

from django.db.models import Count

from agents.alerts.models import Alert, Notice
from agents.alerts.values import OPEN, NoticeState
from core import metrics

UNSETTLED = (NoticeState.WAITING, NoticeState.CLAIMED, NoticeState.FAILED)


def publish() -> None:
    """Set them anew: what is over is no longer told."""
    metrics.ALERTS.clear()
    for row in open_by_rule():
        metrics.ALERTS.labels(*row[:3]).set(row[3])
    metrics.NOTICES.clear()
    waiting = Notice.objects.filter(state__in=UNSETTLED).values_list("channel__name", "state")
    for channel, state, number in waiting.annotate(number=Count("pk")).order_by():
        metrics.NOTICES.labels(channel, state).set(number)


def open_by_rule() -> list[tuple[str, str, str, int]]:
    """Rule (empty: an agent raised it), severity, state, how many."""
    rows = Alert.objects.filter(state__in=OPEN).order_by().values_list("rule__name", "severity", "state")
    return [
        (rule or "", severity, state, number)
        for rule, severity, state, number in rows.annotate(number=Count("pk"))
    ]
