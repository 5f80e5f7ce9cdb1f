"""Alerts that are over are forgotten after as long as letters are kept; open ones never are."""

from __future__ import annotations

from django.conf import settings

from agents.alerts.models import Alert
from agents.alerts.values import State
from core import clock


def drop_expired() -> int:
    before = clock.now() - settings.POSTROOM.retention_letters
    expired = Alert.objects.filter(state=State.CLEARED, since__lt=before)
    removed = expired.count()
    expired.delete()
    return removed
