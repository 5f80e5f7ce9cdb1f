"""Approval limits, and what waits for a second person."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core import clock, ids
from core.access.api import Place, Subject
from core.access.models.grants import Role, Scoped


class ApprovalLimit(Scoped):
    """Above a count, an action needs a second person. Without a role: for every role with no limit of its own."""

    action = models.CharField(max_length=40)
    role = models.ForeignKey(Role, models.CASCADE, null=True, blank=True, related_name="approval_limits")
    above = models.PositiveIntegerField(
        help_text="The most that goes without a second person. 0: always ask one."
    )

    class Meta:
        ordering = ("action", "above")

    def __str__(self) -> str:
        who = self.role.name if self.role else "every role"
        return f"{self.action} above {self.above} by {who}, {self.scope}"


class ApprovalState(models.TextChoices):
    """From waiting, one step to an end."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


SHAPES = {
    ApprovalState.WAITING: "warn",
    ApprovalState.APPROVED: "ok",
    ApprovalState.REJECTED: "bad",
    ApprovalState.WITHDRAWN: "paused",
    ApprovalState.EXPIRED: "unknown",
}


class Approval(models.Model):
    """A request for a second person: what exactly (by hash), how many, where, who asks and why."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    # Null where the thing has no such dimension, as in Place.
    environment = models.CharField(max_length=200, null=True)
    queue = models.CharField(max_length=200, null=True)
    agent = models.CharField(max_length=200, null=True)
    # Who asked and who decided, as values: the record outlives the account.
    asked_by_kind = models.CharField(max_length=20)
    asked_by_id = models.CharField(max_length=200)
    asked_by_name = models.CharField(max_length=200)
    reason = models.TextField()
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=20, choices=ApprovalState.choices, default=ApprovalState.WAITING)
    decided_by_kind = models.CharField(max_length=20, blank=True)
    decided_by_id = models.CharField(max_length=200, blank=True)
    decided_by_name = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-asked_at",)
        indexes = [models.Index(fields=("state", "asked_at"), name="approval_inbox")]
        constraints = [
            models.UniqueConstraint(
                fields=("kind", "reference"),
                condition=Q(state=ApprovalState.WAITING),
                name="approval_waits_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.count} asked by {self.asked_by_name}"

    @property
    def place(self) -> Place:
        return Place(self.environment, self.queue, self.agent)

    def asked_by(self, subject: Subject) -> bool:
        return (self.asked_by_kind, self.asked_by_id) == (str(subject.kind), subject.id)

    @property
    def place_text(self) -> str:
        """Where, for people."""
        parts = (("environment", self.environment), ("queue", self.queue), ("agent", self.agent))
        return ", ".join(f"{name} {value}" for name, value in parts if value) or "everywhere"

    @property
    def state_now(self) -> str:
        """The state, which is `expired` from the moment it is due and not from when somebody noticed."""
        waiting = self.state == ApprovalState.WAITING
        if waiting and self.expires_at is not None and self.expires_at <= clock.now():
            return str(ApprovalState.EXPIRED)
        return str(self.state)

    @property
    def status_shape(self) -> str:
        """The state as a shape of the console."""
        return SHAPES[ApprovalState(self.state_now)]
