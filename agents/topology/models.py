"""Edges, what each minute saw on them, and how far the spans have been read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from agents.topology.values import EdgeKind


class Reading(models.Model):
    """One row: the place in the span store up to which everything is counted, and the revision that gives.

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


class EdgeCell(models.Model):
    """What a stretch of time (1, 10 or 60 minutes, see levels.py) saw on an edge.

    Whole tallies are written, never added to: writing twice changes nothing.
    """

    objects: ClassVar[models.Manager[EdgeCell]]
    pk = models.CompositePrimaryKey("level", "start", "edge_id")
    level = models.SmallIntegerField()
    start = models.IntegerField()
    edge_id = models.BigIntegerField()
    calls = models.BigIntegerField()
    received = models.BigIntegerField()
    matched = models.BigIntegerField()
    errors = models.BigIntegerField()
    skewed = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    last_seen = models.BigIntegerField()
    duration = models.BinaryField()
    wait = models.BinaryField()
    fetch = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["edge_id", "level", "start"], name="topology_cell_by_edge")]
