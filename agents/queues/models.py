"""Brokers and queues as they were seen last, what each minute saw of a queue, and workers. The
sampler writes them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from agents.queues.stuck.models import CauseChange, CauseRow, StuckLook  # noqa: F401 - Django looks for them here
from agents.queues.values import QueueKind

NAME = 300


class BrokerRow(models.Model):
    """A broker, and whether it answers."""

    name = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=10)
    reachable = models.BooleanField(default=False)
    # When it became reachable, or stopped to be so.
    since = models.DateTimeField()
    reason = models.CharField(max_length=500, default="")
    note = models.CharField(max_length=500, default="")
    sampled_at = models.DateTimeField(null=True)
    # When its workers were asked last, whether or not any answered.
    asked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class BrokerChange(models.Model):
    """A broker became reachable, or stopped to be so."""

    broker = models.ForeignKey(BrokerRow, on_delete=models.CASCADE, related_name="changes")
    reachable = models.BooleanField()
    at = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=500, default="")

    def __str__(self) -> str:
        return f"{self.broker} {'answers' if self.reachable else 'is away'}"


class QueueRow(models.Model):
    """A queue with its last figures. They stay as they are while the broker is away."""

    broker = models.CharField(max_length=40)
    name = models.CharField(max_length=NAME)
    # Of the messages that went through it last; a broker knows no environments.
    environment = models.CharField(max_length=NAME)
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in QueueKind])
    depth = models.BigIntegerField(default=0)
    unacknowledged = models.BigIntegerField(null=True)
    oldest_at = models.DateTimeField(null=True)
    oldest_at_least = models.BooleanField(default=False)
    delayed = models.BigIntegerField(null=True)
    consumers = models.IntegerField(null=True)
    in_rate = models.FloatField(null=True)
    out_rate = models.FloatField(null=True)
    growth = models.FloatField(null=True)
    redeliveries = models.BigIntegerField(null=True)
    memory = models.BigIntegerField(null=True)
    first_seen = models.DateTimeField()
    sampled_at = models.DateTimeField()
    there = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "name"], name="queues_queue_identity")]

    def __str__(self) -> str:
        return f"{self.broker}/{self.name}"


class QueueCell(models.Model):
    """What a stretch of time (1, 10 or 60 minutes) saw of a queue: the fields of values.Tally as columns.

    Whole tallies are written, never added to: writing twice changes nothing.
    """

    objects: ClassVar[models.Manager[QueueCell]]
    pk = models.CompositePrimaryKey("level", "start", "queue_id")
    level = models.SmallIntegerField()
    start = models.IntegerField()
    queue_id = models.BigIntegerField()
    samples = models.IntegerField()
    depth_sum = models.BigIntegerField()
    depth_min = models.BigIntegerField()
    depth_max = models.BigIntegerField()
    depth_last = models.BigIntegerField()
    unacked_max = models.BigIntegerField()
    delayed_max = models.BigIntegerField()
    age_max = models.FloatField()
    consumers_min = models.IntegerField(null=True)
    consumers_max = models.IntegerField(null=True)
    memory_max = models.BigIntegerField()
    entered = models.FloatField()
    left = models.FloatField()
    counted_s = models.FloatField()
    redelivered = models.BigIntegerField()
    wait = models.BinaryField()
    work = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["queue_id", "level", "start"], name="queues_cell_by_queue")]


class WorkerRow(models.Model):
    """A Celery worker as it last answered. `queues` and `running` are the lists of values.Worker."""

    broker = models.CharField(max_length=40)
    name = models.CharField(max_length=NAME)
    host = models.CharField(max_length=NAME, default="")
    queues = models.JSONField(default=list)
    concurrency = models.IntegerField(null=True)
    prefetch = models.IntegerField(null=True)
    pool = models.CharField(max_length=40, default="")
    pid = models.IntegerField(null=True)
    running = models.JSONField(default=list)
    first_seen = models.DateTimeField()
    answered_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "name"], name="queues_worker_identity")]

    def __str__(self) -> str:
        return f"{self.name} on {self.broker}"
