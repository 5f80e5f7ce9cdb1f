"""What is looked for, and when nobody wants to hear of it."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import models

from agents.alerts.values import Hours, Severity, Signal, SilenceKind, Terms
from core import ids
from core.access.models.grants import Scoped

NAME, REASON = 300, 500
SIGNALS = [(each.value, each.value) for each in Signal]
SEVERITIES = [(each.value, each.value) for each in Severity]
SILENCES = [(each.value, each.value) for each in SilenceKind]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Rule(Scoped):
    """What is looked for: a signal that is at least `threshold` for so long, somewhere, at some hours."""

    name = models.SlugField(max_length=100, unique=True)
    title = models.CharField(max_length=NAME)
    signal = models.CharField(max_length=30, choices=SIGNALS)
    threshold = models.FloatField()
    hold_s = models.PositiveIntegerField(default=0)
    rest_s = models.PositiveIntegerField(default=30)
    # The stretch of time that a signal is counted over; signals that are of a moment have no use for it.
    window_s = models.PositiveIntegerField(default=300)
    severity = models.CharField(max_length=10, choices=SEVERITIES)
    # Of stuck messages only: which verdict; empty is any.
    cause = models.CharField(max_length=30, blank=True)
    # As `mon,tue`; empty is every day.
    days = models.CharField(max_length=40, blank=True)
    begins = models.TimeField(default=time(0))
    ends = models.TimeField(default=time(0))
    zone = models.CharField(max_length=60, default="UTC")
    enabled = models.BooleanField(default=True)
    built_in = models.BooleanField(default=False, editable=False)
    advice = models.CharField(max_length=REASON, blank=True)

    def __str__(self) -> str:
        return self.title

    @property
    def hours(self) -> Hours:
        days = frozenset(DAYS.index(day) for day in self.days.split(",") if day in DAYS)
        return Hours(days, self.begins, self.ends, self.zone)

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.window_s)

    def terms(self, moment: datetime) -> Terms:
        hold, rest = timedelta(seconds=self.hold_s), timedelta(seconds=self.rest_s)
        return Terms(self.threshold, hold, rest, self.hours.count_at(moment))


class Silence(Scoped):
    """A time during which alerts that match are shown and not sent out."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    kind = models.CharField(max_length=12, choices=SILENCES, default=SilenceKind.SILENCE)
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, null=True, blank=True, related_name="silences")
    reason = models.CharField(max_length=REASON)
    by = models.CharField(max_length=NAME)
    made_at = models.DateTimeField()
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["ends_at"], name="silences_by_end")]

    def __str__(self) -> str:
        return self.reason

    def state_at(self, moment: datetime) -> str:
        """Derived from the clock: nobody has to end it."""
        if moment >= self.ends_at:
            return "over"
        return "active" if moment >= self.begins_at else "planned"
