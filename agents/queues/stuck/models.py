"""Causes as the watcher found them, how each came and went, and when it looked last."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from agents.queues.stuck.values import Verdict
from core import ids

NAME = 300
VERDICTS = [(verdict.value, verdict.value) for verdict in Verdict]
OPEN, OVER = "open", "over"


class CauseRow(models.Model):
    """Why messages do not move: one verdict, in one queue, for one reason. Open until none is held up by it."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    state = models.CharField(max_length=5, choices=[(OPEN, OPEN), (OVER, OVER)], default=OPEN)
    # What makes two the same: one of a key is open at a time.
    key = models.CharField(max_length=64)
    verdict = models.CharField(max_length=20, choices=VERDICTS)
    environment = models.CharField(max_length=NAME)
    broker = models.CharField(max_length=NAME, default="")
    queue = models.CharField(max_length=NAME, default="")
    agent = models.CharField(max_length=NAME, default="")
    sentence = models.TextField()
    messages = models.BigIntegerField(default=0)
    frees = models.BigIntegerField(default=0)
    # The key of the cause that this one follows from; empty: it stands for itself.
    behind = models.CharField(max_length=64, default="")
    oldest_at = models.DateTimeField()
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True)
    # Evidence, what was ruled out, what is missing, the first messages: as of `seen_at`.
    detail = models.JSONField(default=dict)

    class Meta:
        app_label = "queues"
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(state=OPEN), name="queues_cause_open")
        ]
        indexes = [models.Index(fields=["state", "-since"], name="queues_cause_state")]

    def __str__(self) -> str:
        return f"{self.verdict} in {self.queue}"


class CauseChange(models.Model):
    """A cause was found, or is over."""

    cause = models.ForeignKey(CauseRow, on_delete=models.CASCADE, related_name="changes")
    after = models.CharField(max_length=5)
    at = models.DateTimeField(db_index=True)
    messages = models.BigIntegerField()
    says = models.TextField()

    class Meta:
        app_label = "queues"

    def __str__(self) -> str:
        return f"{self.cause} {self.after}"


class StuckLook(models.Model):
    """When the watcher looked last, as the only row: what is older is not known to be so any more."""

    at = models.DateTimeField()
    took_ms = models.IntegerField(default=0)
    # How many messages beyond their time it could look at; more than that are counted, not named.
    looked_at = models.IntegerField(default=0)

    class Meta:
        app_label = "queues"

    def __str__(self) -> str:
        return f"looked at {self.at}"
