"""Pauses of consumption and their histories."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import Q

from agents.queues.control.values import OPEN, PauseState
from core import ids
from core.access.api import Place


class Pause(models.Model):
    """Nobody takes from this queue until it is resumed, whichever worker comes and goes meanwhile."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    broker = models.CharField(max_length=40)
    queue = models.CharField(max_length=300)
    environment = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=[(each.value, each.value) for each in PauseState])
    since = models.DateTimeField()
    by = models.CharField(max_length=200)
    reason = models.CharField(max_length=300, default="")
    # Workers that were told to stop, and what each answered last.
    said = models.JSONField(default=dict)
    # Why it could not be carried out, the last time it was tried.
    problem = models.CharField(max_length=500, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broker", "queue"], condition=Q(state__in=OPEN), name="consumption_one_pause_a_queue"
            )
        ]

    @property
    def place(self) -> Place:
        return Place(self.environment, self.queue)

    def __str__(self) -> str:
        return f"{self.broker}/{self.queue} {self.state}"


class PauseChange(models.Model):
    """One step of a pause."""

    pause = models.ForeignKey(Pause, on_delete=models.CASCADE, related_name="changes")
    pause_id: UUID
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    reason = models.CharField(max_length=300, default="")

    def __str__(self) -> str:
        return f"{self.before or 'new'} → {self.after}"
