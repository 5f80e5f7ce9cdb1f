"""Alerts that are over are forgotten after as long as letters are kept; open ones never are, nor what waits to be
told."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from agents.alerts.models import Alert, Notice, Point, Silence
from agents.alerts.values import NoticeState, State
from core import clock

# The series of an alert that stays open for long.
POINTS_KEPT = timedelta(days=7)
NOTICES_KEPT = timedelta(days=30)


def drop_expired() -> int:
    now = clock.now()
    before = now - settings.POSTROOM.retention_letters
    settled = (NoticeState.SENT, NoticeState.FAILED)
    Point.objects.filter(at__lt=now - POINTS_KEPT).delete()
    Notice.objects.filter(state__in=settled, settled_at__lt=now - NOTICES_KEPT).delete()
    Silence.objects.filter(ends_at__lt=before).delete()
    expired = Alert.objects.filter(state=State.CLEARED, since__lt=before)
    removed = expired.count()
    expired.delete()
    return removed
