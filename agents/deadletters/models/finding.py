"""What letters are found by, what is hidden of them, and searches that somebody keeps."""

from __future__ import annotations

from django.db import models

from agents.deadletters.models.letters import Letter
from agents.deadletters.values import MaskKind, SearchOf
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


class SavedSearch(models.Model):
    """A search that somebody keeps, for themselves or for everybody."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    owner = models.CharField(max_length=NAME)
    owner_name = models.CharField(max_length=NAME)
    name = models.CharField(max_length=NAME)
    of = models.CharField(max_length=20, choices=[(each.value, each.value) for each in SearchOf])
    # The address' query, such as `state=held&q=card`.
    query = models.CharField(max_length=SENTENCE)
    shared = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "of", "name"], name="saved_searches_one_each")
        ]

    def __str__(self) -> str:
        return self.name
