"""Edges, workflows and runs are kept for as long as spans are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections, models

from agents.topology.levels import LEVELS
from agents.topology.models import EdgeCell, EdgeRow, RunRow, WorkflowCell, WorkflowRow
from agents.topology.values import MINUTE
from core import clock
from core.databases import TELEMETRY

# A transaction of its own for so many rows: the reader waits no longer than that takes.
AT_ONCE = 5_000


def drop_expired() -> int:
    """Forget what began before; how many rows went. Called again after a crash, it goes on."""
    before = int((clock.now() - settings.POSTROOM.retention_spans).timestamp() * 1e9)
    return (
        _drop(RunRow, "start", before)
        + sum(_drop(WorkflowCell, "start", before // MINUTE, f"level = {level} AND ") for level in LEVELS)
        + sum(_drop(EdgeCell, "start", before // MINUTE, f"level = {level} AND ") for level in LEVELS)
        + _drop(WorkflowRow, "last_seen", before)
        + _drop(EdgeRow, "last_seen", before)
    )


def _drop(model: type[models.Model], column: str, before: int, also: str = "") -> int:
    """By the tables' own row numbers: a key of several columns cannot be listed."""
    row = "ctid" if connections[TELEMETRY].vendor == "postgresql" else "rowid"
    table: Any = model._meta.db_table
    statement = (
        f'DELETE FROM "{table}" WHERE {row} IN '  # noqa: S608 - names of ours
        f'(SELECT {row} FROM "{table}" WHERE {also}"{column}" < %s LIMIT {AT_ONCE})'
    )
    gone = 0
    while True:
        with connections[TELEMETRY].cursor() as cursor:
            cursor.execute(statement, [before])
            gone += int(cursor.rowcount)
            if cursor.rowcount < AT_ONCE:
                return gone
