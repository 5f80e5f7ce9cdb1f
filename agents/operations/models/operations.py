"""Operations, who works on them, and what became of what they purged."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from agents.operations.models.plans import ACTIONS, NAME, SENTENCE, Asked, Plan
from agents.operations.values import ENDED, Action, Grade, ItemState, State, Tally
from core import ids

STATES = [(each.value, each.value) for each in State]


class Operation(Asked):
    """A plan that is carried out. Its figures change in the transactions that move its items, so they always add up."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    # For people: "redrive #41".
    number = models.PositiveIntegerField(unique=True)
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="operation")
    action = models.CharField(max_length=10, choices=ACTIONS)
    reason = models.CharField(max_length=SENTENCE)
    # The plan's hash together with what was left out at the start: what a second person approves.
    sha256 = models.CharField(max_length=64)
    # Flags whose bearers are left out.
    mask = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=17, choices=STATES)
    since = models.DateTimeField()
    # Why it is halted, or why it failed.
    why = models.CharField(max_length=SENTENCE, blank=True)
    # The policy that started it; null: a person or a program.
    policy = models.ForeignKey(
        "operations.RedrivePolicy", on_delete=models.SET_NULL, null=True, related_name="operations"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # When somebody last worked on it, or was asked to.
    active_at = models.DateTimeField(null=True)
    # The canary step under way, from 0, and how many had been taken in hand when the ladder began.
    step = models.PositiveSmallIntegerField(default=0)
    step_at = models.DateTimeField(null=True)
    # The tally when it was last started or resumed: conditions look at what came after.
    base = models.JSONField(default=dict)
    # When the next message may go, in microseconds since 1970: the rate, for all workers together.
    next_at = models.BigIntegerField(default=0)
    # About messages that wait: which life of its data their broker was in before the attempt that nobody has noted
    # the end of, where it can say; empty where there is none.
    life = models.CharField(max_length=NAME, blank=True, default="")

    selected = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    claimed = models.PositiveIntegerField(default=0)
    dispatched = models.PositiveIntegerField(default=0)
    processed = models.PositiveIntegerField(default=0)
    failed_same = models.PositiveIntegerField(default=0)
    failed_new = models.PositiveIntegerField(default=0)
    applied = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    untouched = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    # By what evidence the outcomes are known.
    grade_event = models.PositiveIntegerField(default=0)
    grade_span = models.PositiveIntegerField(default=0)
    grade_left_queue = models.PositiveIntegerField(default=0)
    grade_hand = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-created_at"], name="operations_by_state"),
            models.Index(fields=["-created_at", "-id"], name="operations_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.action} #{self.number}"

    @property
    def tally(self) -> Tally:
        return Tally(self.selected, *(getattr(self, state) for state in ItemState))

    @property
    def grades(self) -> dict[Grade, int]:
        return {grade: getattr(self, f"grade_{grade}") for grade in Grade}

    @property
    def begun_with(self) -> Tally:
        """The tally when it was last started or resumed."""
        return Tally(**self.base)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def sends(self) -> bool:
        """Whether outcomes are waited for."""
        return self.action == Action.REDRIVE


class OperationChange(models.Model):
    """One line of an operation's timeline: a step from one state to the next, or (`before` as `after`) what happened
    in between, such as a step of the ladder."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="changes")
    before = models.CharField(max_length=17, choices=STATES, blank=True)
    after = models.CharField(max_length=17, choices=STATES)
    at = models.DateTimeField()
    by = models.CharField(max_length=NAME)
    said = models.CharField(max_length=SENTENCE, blank=True)

    class Meta:
        indexes = [models.Index(fields=["operation", "at"], name="operation_changes")]

    def __str__(self) -> str:
        return f"{self.operation_id}: {self.before or 'new'} to {self.after}"


class Claim(models.Model):
    """A worker's hold on some items. There only while it works; the token changes when the reaper takes it over."""

    id = models.BigAutoField(primary_key=True)
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="claims")
    token = models.CharField(max_length=32)
    worker = models.CharField(max_length=NAME)
    until = models.DateTimeField(db_index=True)
    # Whether anything may have been sent already: written before the first is.
    attempted = models.BooleanField(default=False)
    # Which life of its data each broker was in before the first was sent, where it can say.
    lives = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.worker} on {self.operation_id} until {self.until}"


class Receipt(models.Model):
    """A purged letter, and until when it can be taken back. There only while it can be."""

    letter = models.UUIDField(primary_key=True)
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="receipts")
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.letter} until {self.until}"


class Sample(models.Model):
    """An operation's figures at a moment, for its chart. Only while it goes on."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    # Taken in hand, and with a known outcome, up to then.
    spent = models.PositiveIntegerField()
    processed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    # Of the queue that is sent to; null: nobody can say.
    depth = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["operation", "at"], name="operation_samples")]

    def __str__(self) -> str:
        return f"{self.operation_id} at {self.at}"


def figures(at: datetime, operation: Operation, depth: int | None) -> Sample:
    """A sample of how it stands."""
    tally = operation.tally
    return Sample(
        operation=operation,
        at=at,
        spent=tally.spent,
        processed=tally.processed + tally.applied,
        failed=tally.failed,
        depth=depth,
    )
