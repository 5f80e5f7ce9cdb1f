"""Samples are kept the longer the more minutes they stand for; a queue or worker long gone is forgotten."""

from __future__ import annotations

from datetime import timedelta

from agents.queues.models import QueueCell, QueueRow, WorkerRow
from agents.queues.stuck.models import CauseRow
from agents.queues.values import minute_of
from core import clock
from core.databases import TELEMETRY
from core.portions import delete_before

# By how many minutes a cell stands for.
KEPT = {1: timedelta(days=2), 10: timedelta(days=14), 60: timedelta(days=90)}


def drop_expired() -> int:
    """How many rows went. Called again after a crash, it goes on."""
    now = clock.now()
    gone = sum(_cells(level, minute_of(now - kept)) for level, kept in KEPT.items())
    gone += CauseRow.objects.filter(over_at__lt=now - KEPT[10]).delete()[0]
    gone += WorkerRow.objects.filter(answered_at__lt=now - KEPT[10]).delete()[0]
    return gone + QueueRow.objects.filter(sampled_at__lt=now - KEPT[60]).delete()[0]


def _cells(level: int, before: int) -> int:
    return delete_before(QueueCell, "start", before, TELEMETRY, f"level = {level}")
