"""Letters on their way from one group to another, since somebody merged or split by hand."""

from __future__ import annotations

from django.db import models

from agents.deadletters.models.groups import NAME, SENTENCE, FailureGroup
from agents.deadletters.values import MoveKind, MoveState
from core import ids

KINDS = [(each.value, each.value) for each in MoveKind]
STATES = [(each.value, each.value) for each in MoveState]


class GroupMove(models.Model):
    """What was decided, and how far the letters are. Where later deaths go was settled when it was decided."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    kind = models.CharField(max_length=10, choices=KINDS)
    source = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="moves_out")
    into = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="moves_in")
    # Which letters: moving_rule.Rule as JSON. A merge moves all.
    rule = models.JSONField(default=dict)
    # What led to the source of a merge before: for whoever takes it back. merging.Led as JSON.
    led = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=STATES, default=MoveState.MOVING)
    asked_at = models.DateTimeField()
    by = models.CharField(max_length=NAME)
    reason = models.CharField(max_length=SENTENCE, blank=True)
    # Of the source, when it was decided; how many of them were looked at, and how many moved.
    letters = models.PositiveBigIntegerField()
    looked = models.PositiveBigIntegerField(default=0)
    moved = models.PositiveBigIntegerField(default=0)
    # Where letters are looked through one by one: the last of them.
    upto = models.UUIDField(null=True, blank=True)
    # Who moves them, and until when nobody else may.
    token = models.CharField(max_length=32, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    active_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # The merge that this one takes back.
    undoes = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="undone_by"
    )

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="group_moves_open", condition=models.Q(state=MoveState.MOVING)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.source_id} into {self.into_id}"
