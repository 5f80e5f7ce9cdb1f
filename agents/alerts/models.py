"""Alerts, and how each one's state changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from agents.alerts.values import OPEN, Severity, State
from core import ids
from core.access.api import Place

STATES = [(state.value, state.value) for state in State]
SEVERITIES = [(each.value, each.value) for each in Severity]
NAME, DETAIL = 300, 5_000


class Alert(models.Model):
    """Something that somebody should know about. While it is open, the same key is counted and not raised anew."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    environment = models.CharField(max_length=NAME)
    agent = models.CharField(max_length=NAME)
    instance = models.CharField(max_length=NAME, blank=True)
    severity = models.CharField(max_length=10, choices=SEVERITIES)
    title = models.CharField(max_length=NAME)
    detail = models.CharField(max_length=DETAIL, blank=True)
    message_id = models.CharField(max_length=NAME, blank=True)
    error = models.CharField(max_length=DETAIL, blank=True)
    key = models.CharField(max_length=NAME)
    raised_by = models.CharField(max_length=NAME)
    state = models.CharField(max_length=14, choices=STATES)
    since = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    first_raised_at = models.DateTimeField()
    last_raised_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "agent", "key"],
                condition=Q(state__in=[str(state) for state in OPEN]),
                name="alerts_open_once",
            )
        ]
        indexes = [models.Index(fields=["state", "-last_raised_at"], name="alerts_by_state")]

    def __str__(self) -> str:
        return f"{self.title} ({self.agent})"

    @property
    def place(self) -> Place:
        return Place(self.environment, agent=self.agent)


class AlertChange(models.Model):
    """A step from one state to the next. The first one has no `before`."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="changes")
    before = models.CharField(max_length=14, choices=STATES, blank=True)
    after = models.CharField(max_length=14, choices=STATES)
    at = models.DateTimeField()
    by = models.CharField(max_length=NAME)
    reason = models.CharField(max_length=NAME, blank=True)

    class Meta:
        indexes = [models.Index(fields=["alert", "at"], name="alert_changes_by_alert")]

    def __str__(self) -> str:
        return f"{self.alert_id}: {self.before or 'new'} to {self.after}"
