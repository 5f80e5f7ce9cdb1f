"""Samples are kept the longer the more minutes they stand for; a queue or worker long gone is forgotten."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections

from agents.queues.models import QueueCell, QueueRow, WorkerRow
from agents.queues.stuck.models import CauseRow
from core import clock
from core.databases import TELEMETRY

# By how many minutes a cell stands for.
KEPT = {1: timedelta(days=2), 10: timedelta(days=14), 60: timedelta(days=90)}
# The sampler writes the same database: it waits for one portion, not for all.
AT_ONCE = 5_000


def drop_expired() -> int:
    """How many rows went. Called again after a crash, it goes on."""
    now = clock.now()
    gone = sum(_drop(level, int((now - kept).timestamp()) // 60) for level, kept in KEPT.items())
    gone += CauseRow.objects.filter(over_at__lt=now - KEPT[10]).delete()[0]
    gone += WorkerRow.objects.filter(answered_at__lt=now - KEPT[10]).delete()[0]
    return gone + QueueRow.objects.filter(sampled_at__lt=now - KEPT[60]).delete()[0]


def _drop(level: int, before: int) -> int:
    """By the table's own row numbers: a key of several columns cannot be listed."""
    row = "ctid" if connections[TELEMETRY].vendor == "postgresql" else "rowid"
    table = QueueCell._meta.db_table
    statement = (
        f'DELETE FROM "{table}" WHERE {row} IN (SELECT {row} FROM "{table}" '  # noqa: S608 - names of ours
        f"WHERE level = {level} AND start < %s LIMIT {AT_ONCE})"
    )
    gone = 0
    while True:
        with connections[TELEMETRY].cursor() as cursor:
            cursor.execute(statement, [before])
            gone += int(cursor.rowcount)
            if cursor.rowcount < AT_ONCE:
                return gone
