"""What letters are found by, and what is hidden of them."""

from __future__ import annotations

from django.db import models

from agents.deadletters.models.letters import Letter
from agents.deadletters.values import MaskKind
from core import ids

NAME, SENTENCE = 300, 2_000


class LetterText(models.Model):
    """The words of a letter, for the full-text index (migration 0003). `said`: what all who see it may read anyway;
    `carried`: what only those find who may read payloads, and nothing where contents are sealed."""

    id = models.BigAutoField(primary_key=True)
    letter = models.OneToOneField(Letter, on_delete=models.CASCADE, related_name="words")
    said = models.TextField()
    carried = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"words of {self.letter_id}"


class MaskRule(models.Model):
    """What is hidden from those who may not read payloads."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    name = models.CharField(max_length=NAME, unique=True)
    kind = models.CharField(max_length=10, choices=[(each.value, each.value) for each in MaskKind])
    what = models.CharField(
        max_length=SENTENCE,
        help_text="path: customer.email, lines[].iban, *.password; header: x-api-key, x-*; pattern: a regular "
        "expression without repeated groups and back references.",
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
