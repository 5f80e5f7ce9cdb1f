"""One row a message, one row an event, and how well the ways in were heard. Written by services only, in bulk."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

NAME = 300


def _name() -> models.CharField[str, str]:
    return models.CharField(max_length=NAME, default="")


def _moment() -> models.BigIntegerField[int, int]:
    return models.BigIntegerField(default=0)


class MessageRow(models.Model):
    """A message as its events tell it: the columns are the fields of values.Message, in their order."""

    environment = models.CharField(max_length=NAME)
    message_id = models.CharField(max_length=NAME)
    state = models.CharField(max_length=10)
    since = _moment()
    redrive = models.IntegerField(default=0)
    attempt = models.IntegerField(default=0)
    last_event = _name()
    agent = _name()
    instance = _name()
    version = _name()
    host = _name()
    broker = _name()
    queue = _name()
    sender = _name()
    task = _name()
    workflow = _name()
    trace_id = _name()
    span_id = _name()
    conversation_id = _name()
    parent_id = _name()
    deadline = _moment()
    due = _moment()
    waits_for = _name()
    error = models.TextField(default="")
    sources = models.SmallIntegerField(default=0)
    first_seen = _moment()
    last_seen = _moment()
    heard = _moment()
    ahead = _moment()
    # values.Settled, where what Postroom concluded is the last word.
    settled = models.CharField(max_length=10, default="", db_default="")

    class Meta:
        db_table = "ledger_message"
        constraints = [
            # The id first: it is what everybody looks up, whether or not they know the environment.
            models.UniqueConstraint(fields=["message_id", "environment"], name="ledger_message_identity")
        ]
        indexes = [
            models.Index(fields=["heard", "id"], name="ledger_message_heard"),
            models.Index(fields=["state", "since"], name="ledger_message_state"),
            models.Index(fields=["trace_id"], name="ledger_message_trace", condition=~Q(trace_id="")),
            models.Index(
                fields=["conversation_id"], name="ledger_message_talk", condition=~Q(conversation_id="")
            ),
            models.Index(fields=["parent_id"], name="ledger_message_parent", condition=~Q(parent_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.state}"


class EventRow(models.Model):
    """An event as it was told, kept once. `id` grows in the order of commit, so it is a cursor."""

    message = models.BigIntegerField()
    event_id = models.CharField(max_length=NAME)
    arrived = models.BigIntegerField()
    body = models.TextField()

    class Meta:
        db_table = "ledger_event"
        constraints = [models.UniqueConstraint(fields=["message", "event_id"], name="ledger_event_identity")]

    def __str__(self) -> str:
        return self.event_id


class Ear(models.Model):
    """One way in from one broker: since when it is heard, or why it is not."""

    broker = models.CharField(max_length=40)
    way = models.CharField(max_length=10)
    hears = models.BooleanField(default=False)
    since = models.DateTimeField()
    # Up to here nothing was missed while it was heard.
    heard_until = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "way"], name="ledger_ear_identity")]

    def __str__(self) -> str:
        return f"{self.way} of {self.broker}"


class Gap(models.Model):
    """A time in which nobody heard a way in that keeps nothing: what happened then may be missing."""

    broker = models.CharField(max_length=40)
    way = models.CharField(max_length=10)
    since = models.DateTimeField()
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.way} of {self.broker} from {self.since} to {self.until}"
