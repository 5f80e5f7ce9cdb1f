"""Redrives that start by themselves, where somebody said so; how far evidence was read, and what the ledger is yet to
be told."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from core.access.api import Permission
from core.access.models.grants import Scoped

NAME = 300


class RedrivePolicy(Scoped):
    """Letters of the class transient are sent again by themselves, after a while, so often, within a budget."""

    name = models.CharField(max_length=NAME, unique=True)
    enabled = models.BooleanField(default=False, help_text="Off until somebody switches it on.")
    error = models.CharField(
        max_length=NAME, blank=True, help_text="Only errors whose type contains this. Empty: any."
    )
    delay_s = models.PositiveIntegerField(
        "delay (s)", default=300, help_text="How long a letter rests after its last death.",
        validators=[MinValueValidator(1)],
    )  # fmt: skip
    at_most = models.PositiveIntegerField(
        default=2, help_text="How often a letter is redriven, by anybody, before it is left to people.",
        validators=[MinValueValidator(1)],
    )  # fmt: skip
    budget = models.PositiveIntegerField(
        default=1_000, help_text="The most letters in an hour.",
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
    )  # fmt: skip
    rate = models.FloatField(
        null=True, blank=True, help_text="Messages a second. Empty: as fast as the consumer keeps up.",
        validators=[MinValueValidator(0.01)],
    )  # fmt: skip
    note = models.CharField(max_length=NAME, blank=True)
    checked_at = models.DateTimeField(null=True, editable=False)
    # What it did or why it waits, in a sentence.
    said = models.CharField(max_length=NAME, blank=True, editable=False)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "redrive policies"

    def __str__(self) -> str:
        return self.name

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it may do within its scope, and nothing else."""
        return frozenset({Permission.SEE, Permission.REDRIVE})


class Cursor(models.Model):
    """How far a stream of evidence was read: the next reading begins there."""

    name = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class Untold(models.Model):
    """Events that the ledger is to be told: an outbox, since the ledger may lie in another database."""

    id = models.BigAutoField(primary_key=True)
    # A list, as it travels.
    events = models.TextField()
    # From then on the watcher tells it; before, whoever wrote it may.
    due = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.pk}, due {self.due}"
