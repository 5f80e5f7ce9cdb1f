"""Alerts, and how each one's state changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from agents.alerts.models.rules import Rule, Silence
from agents.alerts.values import OPEN, Severity, Spot, Standing, State
from core import ids
from core.access.api import Place

STATES = [(state.value, state.value) for state in State]
SEVERITIES = [(each.value, each.value) for each in Severity]
NAME, DETAIL = 300, 5_000


class Alert(models.Model):
    """Something that somebody should know about. While it is open, the same key is counted and not raised anew."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    # Empty: it is about something that belongs to no environment, such as a broker.
    environment = models.CharField(max_length=NAME, blank=True)
    agent = models.CharField(max_length=NAME, blank=True)
    broker = models.CharField(max_length=NAME, blank=True)
    queue = models.CharField(max_length=NAME, blank=True)
    # What tells apart alerts of one rule at one place, such as a failure group.
    name = models.CharField(max_length=NAME, blank=True)
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
    # Its page in the console, where there is one.
    link = models.CharField(max_length=NAME, blank=True)

    # Of an alert that a rule raised: what was measured last, and how it stands (see values.Standing).
    rule = models.ForeignKey(Rule, on_delete=models.SET_NULL, null=True, blank=True, related_name="alerts")
    value = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    measured_at = models.DateTimeField(null=True)
    holds_since = models.DateTimeField(null=True)
    quiet_since = models.DateTimeField(null=True)
    unknown_since = models.DateTimeField(null=True)
    unknown_why = models.CharField(max_length=NAME, blank=True)

    # Why nobody was told: it follows from another alert, or somebody wants quiet.
    under = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="folded")
    silence = models.ForeignKey(Silence, on_delete=models.SET_NULL, null=True, related_name="alerts")
    # When the channels were told that it fires; only then are they told that it is over.
    told_at = models.DateTimeField(null=True)

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
    def spot(self) -> Spot:
        return Spot(self.environment, self.broker, self.queue, self.agent, self.name)

    @property
    def place(self) -> Place:
        return self.spot.place

    @property
    def standing(self) -> Standing:
        """Of an alert that a rule raised."""
        held, seen = self.holds_since or self.first_raised_at, self.measured_at or self.last_raised_at
        return Standing(State(self.state), held, seen, self.quiet_since, self.unknown_since)


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


class Point(models.Model):
    """One measurement of an alert that is open, so that its page shows why. No value: it was not known."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="points")
    at = models.DateTimeField()
    value = models.FloatField(null=True)

    class Meta:
        indexes = [models.Index(fields=["alert", "at"], name="alert_points_by_alert")]

    def __str__(self) -> str:
        return f"{self.alert_id}: {self.value}"
