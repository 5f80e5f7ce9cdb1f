"""Letters, their deaths, what they carry, and how their states changed."""

from __future__ import annotations

from django.db import models

from agents.deadletters.models.groups import FINGERPRINT, FailureGroup
from agents.deadletters.values import FailureClass, Reason, State, short_type
from core import ids
from core.access.api import Place

STATES = [(state.value, state.value) for state in State]
CLASSES = [(each.value, each.value) for each in FailureClass]
REASONS = [(each.value, each.value) for each in Reason]
NAME, SENTENCE = 300, 2_000


class Failed(models.Model):
    """Why: shared by a death and by its letter, which shows the last one."""

    failure_class = models.CharField(max_length=12, choices=CLASSES)
    failure_reason = models.CharField(max_length=20, choices=REASONS)
    failure_type = models.CharField(max_length=NAME, blank=True)
    failure_message = models.CharField(max_length=SENTENCE, blank=True)
    # What makes it the same as another: see fingerprint.py. Empty: not looked at yet.
    fingerprint = models.CharField(max_length=FINGERPRINT, blank=True, default="")

    class Meta:
        abstract = True

    @property
    def why(self) -> str:
        """In one line."""
        said = ": ".join(filter(None, (self.failure_type, self.failure_message)))
        return said or self.failure_reason.replace("_", " ")

    @property
    def error(self) -> str:
        """The type's own name, or how it died: what a list has room for."""
        return short_type(self.failure_type) or self.failure_reason.replace("_", " ")


class Letter(Failed):
    """A message that an agent gave up on. What it says of the message is what its last death said."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    environment = models.CharField(max_length=NAME)
    broker = models.CharField(max_length=NAME, blank=True)
    queue = models.CharField(max_length=NAME)
    exchange = models.CharField(max_length=NAME, blank=True)
    routing_key = models.CharField(max_length=NAME, blank=True)
    agent = models.CharField(max_length=NAME, blank=True)
    instance = models.CharField(max_length=NAME, blank=True)
    version = models.CharField(max_length=NAME, blank=True)
    message_id = models.CharField(max_length=NAME, blank=True, db_index=True)
    task = models.CharField(max_length=NAME, blank=True)
    sender = models.CharField(max_length=NAME, blank=True)
    workflow = models.CharField(max_length=NAME, blank=True)
    trace_id = models.CharField(max_length=NAME, blank=True, db_index=True)
    span_id = models.CharField(max_length=NAME, blank=True)
    conversation_id = models.CharField(max_length=NAME, blank=True)
    content_type = models.CharField(max_length=NAME, blank=True)
    content_encoding = models.CharField(max_length=NAME, blank=True)
    body_size = models.PositiveBigIntegerField()
    # Where it was taken from: the queue of letters on its broker, or `http`.
    source = models.CharField(max_length=NAME)
    # Null until somebody has looked: letters that were kept before there were groups.
    group = models.ForeignKey(
        FailureGroup, on_delete=models.SET_NULL, null=True, related_name="letters", db_index=False
    )
    state = models.CharField(max_length=10, choices=STATES, default=State.HELD)
    since = models.DateTimeField()
    deaths = models.PositiveIntegerField(default=1)
    attempts = models.PositiveIntegerField(default=0)
    # The number of its last redrive. A death of an earlier one tells nothing about where the message is now.
    redrives = models.PositiveIntegerField(default=0)
    captured_at = models.DateTimeField()
    first_died_at = models.DateTimeField()
    last_died_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["-last_died_at", "-id"], name="letters_newest"),
            models.Index(fields=["state", "-last_died_at", "-id"], name="letters_by_state"),
            # The rail's figure is read from this index alone.
            models.Index(fields=["state", "environment", "queue", "agent"], name="letters_by_place"),
            models.Index(fields=["queue", "-last_died_at"], name="letters_by_queue"),
            models.Index(fields=["agent", "-last_died_at"], name="letters_by_agent"),
            models.Index(fields=["failure_type", "-last_died_at"], name="letters_by_error"),
            models.Index(fields=["group", "state", "-last_died_at", "-id"], name="letters_by_group"),
            models.Index(fields=["id"], condition=models.Q(group=None), name="letters_without_group"),
        ]

    def __str__(self) -> str:
        return f"{self.id} of {self.queue}"

    @property
    def place(self) -> Place:
        """Where it is. An agent that is not named is nobody's: only a grant for every agent covers it."""
        return Place(self.environment, self.queue, self.agent)


class Death(Failed):
    """One time that the message died. Its id comes from whoever gave up on it, so that it is counted once."""

    id = models.UUIDField(primary_key=True, editable=False)
    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="died")
    number = models.PositiveIntegerField()
    redrive = models.PositiveIntegerField(default=0)
    died_at = models.DateTimeField()
    captured_at = models.DateTimeField()
    agent = models.CharField(max_length=NAME, blank=True)
    instance = models.CharField(max_length=NAME, blank=True)
    version = models.CharField(max_length=NAME, blank=True)
    # Only while the broker may hand over a delivery without an id again: its hash, and the connection it came by.
    digest = models.CharField(max_length=64, blank=True)
    session = models.CharField(max_length=40, blank=True)
    # The part of a group (GroupPart) that counts it. Null: none does, or it was kept before that was written down.
    counted_in = models.BigIntegerField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["digest"], condition=~models.Q(digest=""), name="deaths_not_acknowledged"),
        ]

    def __str__(self) -> str:
        return f"death {self.number} of {self.letter_id}"


class StoredContents(models.Model):
    """What a death carried, compressed, and sealed when there are keys: see seal.py. Gone when it is erased."""

    death = models.OneToOneField(Death, on_delete=models.CASCADE, primary_key=True, related_name="contents")
    body = models.BinaryField()
    # Headers and properties.
    head = models.BinaryField()
    attempts = models.BinaryField()
    key_id = models.CharField(max_length=16, blank=True, db_index=True)
    sealed_key = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        return f"contents of {self.death_id}"


class LetterChange(models.Model):
    """A letter's step from one state to the next. The first one has no `before`."""

    # Found by (letter, at), which begins with it: two lines a redrive are written, and an index more costs each. So
    # does a constraint; whoever writes a line has the letter's row locked, and so has whoever deletes it.
    letter = models.ForeignKey(
        Letter, on_delete=models.CASCADE, related_name="changes", db_index=False, db_constraint=False
    )
    before = models.CharField(max_length=10, choices=STATES, blank=True)
    after = models.CharField(max_length=10, choices=STATES)
    at = models.DateTimeField()
    by = models.CharField(max_length=NAME)
    reason = models.CharField(max_length=NAME)

    class Meta:
        indexes = [models.Index(fields=["letter", "at"], name="letter_changes_by_letter")]

    def __str__(self) -> str:
        return f"{self.letter_id}: {self.before or 'new'} to {self.after}"
