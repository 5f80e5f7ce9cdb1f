"""Letter sources: dead-letter queues that users have already."""

from __future__ import annotations

from django.db import models

from core import ids
from core.access.api import Place

NAME, SENTENCE = 300, 2_000


class LetterSource(models.Model):
    """A RabbitMQ queue of dead messages that Postroom empties into custody. It is left as it is: never declared,
    never changed, never deleted."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    broker = models.CharField(max_length=NAME, help_text="One of POSTROOM_BROKERS.")
    queue = models.CharField(max_length=NAME, help_text="The dead-letter queue's name. It must be there.")
    environment = models.CharField(max_length=NAME, blank=True, help_text="Empty: Postroom's own.")
    agent = models.CharField(
        max_length=NAME, blank=True, help_text="Who gave up on what arrives here, where nothing else says it."
    )
    enabled = models.BooleanField(default=True)
    note = models.CharField(max_length=SENTENCE, blank=True)
    added_at = models.DateTimeField(editable=False)
    added_by = models.CharField(max_length=NAME, editable=False)

    class Meta:
        ordering = ("broker", "queue")
        constraints = [models.UniqueConstraint(fields=["broker", "queue"], name="letter_sources_one_each")]

    def __str__(self) -> str:
        return f"{self.queue} on {self.broker}"

    @property
    def place(self) -> Place:
        """A queue of dead messages carries those of many agents: only a grant for every agent covers it."""
        return Place(self.environment, self.queue, self.agent)
