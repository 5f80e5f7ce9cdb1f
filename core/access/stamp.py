"""Reads and raises the access stamp."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import F

from core.access.models.stamp import Stamp

_ONLY = 1
_listeners: list[Callable[[], None]] = []


def read() -> int:
    return Stamp.objects.filter(pk=_ONLY).values_list("value", flat=True).first() or 0


def bump() -> None:
    """Say that access changed: every process sees it within a second, this one as soon as it is committed."""
    with transaction.atomic():
        if not Stamp.objects.filter(pk=_ONLY).update(value=F("value") + 1):
            Stamp.objects.bulk_create([Stamp(pk=_ONLY, value=0)], ignore_conflicts=True)
            Stamp.objects.filter(pk=_ONLY).update(value=F("value") + 1)
    transaction.on_commit(_tell)


def when_changed(listener: Callable[[], None]) -> None:
    """Call this in the changing process, after each commit that changed access."""
    _listeners.append(listener)


def _tell() -> None:
    for listener in _listeners:
        listener()
