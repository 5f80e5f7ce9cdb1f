"""Where notices go, and the outbox: written with the change that they tell of, handed over later."""

from __future__ import annotations

from django.db import models

from agents.alerts.models.alerts import Alert
from agents.alerts.models.rules import NAME, SEVERITIES
from agents.alerts.values import ChannelKind, NoticeKind, NoticeState, Severity
from core import ids
from core.access.models.grants import Scoped

CHANNELS = [(each.value, each.value) for each in ChannelKind]
KINDS = [(each.value, each.value) for each in NoticeKind]
STATES = [(each.value, each.value) for each in NoticeState]
SENTENCE = 2_000


class Channel(Scoped):
    """Where notices go. Its address and its key are sealed; what is shown of the address tells no secret."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    name = models.CharField(max_length=NAME, unique=True)
    kind = models.CharField(max_length=10, choices=CHANNELS)
    sealed_address = models.BinaryField()
    sealed_key = models.BinaryField(default=bytes)
    shown = models.CharField(max_length=NAME)
    at_least = models.CharField(max_length=10, choices=SEVERITIES, default=Severity.WARNING)
    when_cleared = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """Something to tell one channel. Its id goes with it, so that the other side can tell a repetition."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=KINDS)
    alerts = models.ManyToManyField(Alert, related_name="notices")
    title = models.CharField(max_length=NAME)
    text = models.TextField()
    # What programs read, made once: every attempt sends the same bytes.
    body = models.BinaryField()
    severity = models.CharField(max_length=10, choices=SEVERITIES)
    state = models.CharField(max_length=10, choices=STATES, default=NoticeState.WAITING)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at"], name="notices_due"),
            models.Index(fields=["channel", "state"], name="notices_by_channel"),
        ]

    def __str__(self) -> str:
        return self.title


class Attempt(models.Model):
    """One try to hand a notice over, written before it and completed after. It is the notice's history too."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ok = models.BooleanField(null=True)
    says = models.CharField(max_length=SENTENCE, blank=True)
    before = models.CharField(max_length=10, choices=STATES)
    after = models.CharField(max_length=10, choices=STATES)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "number"], name="notice_attempts_numbered")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.notice_id}"
