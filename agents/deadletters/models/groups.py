"""Failure groups: letters with one fingerprint, what people decided about them, and their figures.

How many letters a group has, and how many are held, is counted when somebody asks (an index answers it): so a figure is
never behind, whoever moves letters.
"""

from __future__ import annotations

from django.db import models

from agents.deadletters.values import Triage
from core import clock, ids
from core.access.api import Place

TRIAGE = [(state.value, state.value) for state in Triage]
NAME, TITLE, SENTENCE = 300, 500, 2_000
FINGERPRINT = 40


class FailureGroup(models.Model):
    """Letters of one environment that died of one cause, as far as anybody can tell from how they died."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    environment = models.CharField(max_length=NAME)
    # Of its first death; its parts tell all.
    queue = models.CharField(max_length=NAME)
    agent = models.CharField(max_length=NAME, blank=True)
    fingerprint = models.CharField(max_length=FINGERPRINT)
    title = models.CharField(max_length=TITLE)
    failure_type = models.CharField(max_length=NAME, blank=True)
    failure_message = models.CharField(max_length=SENTENCE, blank=True)
    # How it was formed: fingerprint.Formed as JSON.
    formed = models.JSONField(default=dict)
    deaths = models.PositiveBigIntegerField(default=0)
    first_died_at = models.DateTimeField()
    last_died_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=TRIAGE, default=Triage.NEW)
    since = models.DateTimeField()
    assigned_to = models.CharField(max_length=NAME, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True)
    # How often a letter of it died the same way after a redrive, and the last time: whose, and of which redrive.
    came_back = models.PositiveIntegerField(default=0)
    came_back_at = models.DateTimeField(null=True, blank=True)
    came_back_letter = models.UUIDField(null=True, blank=True)
    came_back_redrive = models.PositiveIntegerField(default=0)
    # Its letters belong to that group now; kept so that a link to it leads on.
    merged_into = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="merged"
    )

    # It was decided that it is merged into that one, and its letters are on their way.
    going_to = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="coming"
    )

    class Meta:
        indexes = [
            models.Index(fields=["-last_died_at", "-id"], name="groups_newest"),
            models.Index(fields=["-deaths", "-id"], name="groups_largest"),
            models.Index(fields=["-first_died_at", "-id"], name="groups_youngest"),
            models.Index(fields=["state", "-last_died_at", "-id"], name="groups_by_triage"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def place(self) -> Place:
        """Where its first death was. Whether somebody may see it follows from all its parts."""
        return Place(self.environment, self.queue, self.agent)

    @property
    def triage(self) -> Triage:
        """The state, which is `new` again from the moment a mute is over and not from when somebody noticed."""
        over = self.state == Triage.MUTED and self.muted_until and self.muted_until <= clock.now()
        return Triage.NEW if over else Triage(self.state)


class GroupAlias(models.Model):
    """Which group a fingerprint leads to: its own, one that says the same at its place, or one that it was merged into
    by hand."""

    environment = models.CharField(max_length=NAME)
    fingerprint = models.CharField(max_length=FINGERPRINT)
    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="aliases")
    # Where it happened, and what was said there: fingerprint.Told as JSON. Empty: nothing new is compared with it.
    place = models.CharField(max_length=FINGERPRINT, blank=True, default="")
    told = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "fingerprint"], name="group_aliases_one_each")
        ]
        indexes = [
            models.Index(
                fields=["environment", "place", "-id"],
                name="group_aliases_by_place",
                condition=~models.Q(place=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.fingerprint} in {self.environment}"


class GroupSplit(models.Model):
    """Deaths of a group that come and bear this value of a field belong to another one."""

    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="splits")
    field = models.CharField(max_length=40)
    value = models.CharField(max_length=SENTENCE)
    into = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="split_from")
    at = models.DateTimeField()
    by = models.CharField(max_length=NAME)

    def __str__(self) -> str:
        return f"{self.field} {self.value} of {self.group_id}"


class GroupPart(models.Model):
    """Deaths of a group by where and in what they happened: what scopes ask for, and what was touched."""

    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="parts")
    environment = models.CharField(max_length=NAME)
    queue = models.CharField(max_length=NAME)
    agent = models.CharField(max_length=NAME, blank=True)
    version = models.CharField(max_length=NAME, blank=True)
    workflow = models.CharField(max_length=NAME, blank=True)
    deaths = models.PositiveBigIntegerField(default=0)
    first_died_at = models.DateTimeField()
    last_died_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "queue", "agent", "version", "workflow"], name="group_parts_one_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.deaths} of {self.group_id} in {self.queue}"


class GroupRate(models.Model):
    """Deaths of a group within a minute or an hour, by version: what its chart is drawn from."""

    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="rates")
    seconds = models.PositiveIntegerField()
    at = models.DateTimeField()
    version = models.CharField(max_length=NAME, blank=True)
    deaths = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "seconds", "at", "version"], name="group_rates_one_each")
        ]
        indexes = [models.Index(fields=["seconds", "at"], name="group_rates_by_age")]

    def __str__(self) -> str:
        return f"{self.deaths} of {self.group_id} at {self.at}"


class GroupChange(models.Model):
    """What was decided about a group, one step after the other. The first one has no `before`."""

    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="changes")
    before = models.CharField(max_length=12, choices=TRIAGE, blank=True)
    after = models.CharField(max_length=12, choices=TRIAGE)
    at = models.DateTimeField()
    by = models.CharField(max_length=NAME)
    reason = models.CharField(max_length=SENTENCE, blank=True)

    class Meta:
        indexes = [models.Index(fields=["group", "at"], name="group_changes_by_group")]

    def __str__(self) -> str:
        return f"{self.group_id}: {self.before or 'none'} to {self.after}"


class GroupNote(models.Model):
    """What somebody wants others to know about a group, with a link where there is more."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    by = models.CharField(max_length=NAME)
    text = models.CharField(max_length=SENTENCE)
    link = models.URLField(max_length=SENTENCE, blank=True)

    class Meta:
        indexes = [models.Index(fields=["group", "at"], name="group_notes_by_group")]

    def __str__(self) -> str:
        return self.text[:80]
