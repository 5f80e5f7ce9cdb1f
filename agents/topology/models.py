"""Edges and workflows, what each minute saw of them, runs, and how far the spans have been read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from agents.topology.values import EdgeKind
from agents.topology.workflows.values import Open
from core import ids


class Reading(models.Model):
    """One row for each reader: the place in the span store up to which it counted everything, and the revision that
    gives.

    It moves in the transaction that writes the counts, so a span counts once whenever the reader is killed.
    """

    cursor = models.TextField(default="")
    # Where to begin again after a start, so that halves that still wait are known: a while before `cursor`.
    window_cursor = models.TextField(default="")
    revision = models.BigIntegerField(default=0)
    # The lease under which this was written; an older one may not write any more.
    token = models.BigIntegerField(default=0)


class EdgeRow(models.Model):
    """An edge that was seen at least once."""

    environment = models.CharField(max_length=300)
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in EdgeKind])
    source = models.CharField(max_length=300)
    via = models.CharField(max_length=300)
    target = models.CharField(max_length=300)
    first_seen = models.BigIntegerField()
    last_seen = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "kind", "source", "via", "target"], name="topology_edge_identity"
            )
        ]


class Counted(models.Model):
    """A tally as columns; rollups.py names them."""

    calls = models.BigIntegerField()
    received = models.BigIntegerField()
    matched = models.BigIntegerField()
    errors = models.BigIntegerField()
    skewed = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField(default=0)
    last_seen = models.BigIntegerField()
    duration = models.BinaryField()
    wait = models.BinaryField()
    fetch = models.BinaryField()

    class Meta:
        abstract = True


class EdgeCell(Counted):
    """What a stretch of time (1, 10 or 60 minutes, see levels.py) saw on an edge.

    Whole tallies are written, never added to: writing twice changes nothing.
    """

    objects: ClassVar[models.Manager[EdgeCell]]
    pk = models.CompositePrimaryKey("level", "start", "edge_id")
    level = models.SmallIntegerField()
    start = models.IntegerField()
    edge_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["edge_id", "level", "start"], name="topology_cell_by_edge")]


class WorkflowRow(models.Model):
    """A workflow that at least one run had. Its key is the shape of its traces."""

    uid = models.UUIDField(unique=True, default=ids.new, editable=False)
    environment = models.CharField(max_length=300)
    name = models.CharField(max_length=300)
    agent = models.CharField(max_length=300)
    operation = models.CharField(max_length=1000)
    first_seen = models.BigIntegerField()
    last_seen = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "name", "agent", "operation"], name="topology_workflow_identity"
            )
        ]


class WorkflowCell(Counted):
    """What a stretch of time saw of a workflow on one of its edges, by the minute in which its runs began.

    `edge_id` 0 stands for the runs themselves, and -1 for those without their first span: see workflows/values.py.
    """

    objects: ClassVar[models.Manager[WorkflowCell]]
    pk = models.CompositePrimaryKey("workflow_id", "level", "start", "edge_id")
    workflow_id = models.BigIntegerField()
    level = models.SmallIntegerField()
    start = models.IntegerField()
    edge_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["level", "start", "edge_id"], name="topology_workflow_cell_time")]


class RunRow(models.Model):
    """A run: a trace as far as it is known. `body` is what it is folded from; the other columns follow from it."""

    objects: ClassVar[models.Manager[RunRow]]
    # In hex: pages go on from it.
    trace_id = models.CharField(max_length=32, primary_key=True)
    # 0 while nothing but its messages' receivers is known.
    workflow_id = models.BigIntegerField(default=0)
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    failed = models.BooleanField()
    missing = models.SmallIntegerField(choices=[(each.value, each.name.lower()) for each in Open])
    headless = models.BooleanField()
    spans = models.IntegerField()
    errors = models.IntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    body = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["workflow_id", "start"], name="topology_run_of_workflow"),
            models.Index(fields=["missing", "end"], name="topology_run_missing"),
            models.Index(fields=["start"], name="topology_run_start"),
        ]
