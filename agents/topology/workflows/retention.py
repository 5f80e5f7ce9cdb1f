"""Edges, workflows and runs are kept for as long as spans are."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from agents.topology.levels import LEVELS
from agents.topology.models import EdgeCell, EdgeRow, RunRow, WorkflowCell, WorkflowRow
from agents.topology.values import MINUTE
from core import clock
from core.databases import TELEMETRY
from core.portions import delete_before


def drop_expired() -> int:
    """Forget what began before; how many rows went. Called again after a crash, it goes on."""
    before = int((clock.now() - settings.POSTROOM.retention_spans).timestamp() * 1e9)
    return (
        _drop(RunRow, "start", before)
        + _cells(WorkflowCell, before // MINUTE)
        + _cells(EdgeCell, before // MINUTE)
        + _drop(WorkflowRow, "last_seen", before)
        + _drop(EdgeRow, "last_seen", before)
    )


def _drop(model: type[models.Model], column: str, before: int) -> int:
    return delete_before(model, column, before, TELEMETRY)


def _cells(model: type[models.Model], before: int) -> int:
    """Level by level, as the index has them."""
    return sum(delete_before(model, "start", before, TELEMETRY, f"level = {level}") for level in LEVELS)
