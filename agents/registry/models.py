"""Agents, their versions and instances, and how each instance's state changed."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from agents.registry.values import Patience, State
from core import ids

STATES = [(state.value, state.value) for state in State if state is not State.LATE]


class Agent(models.Model):
    """An agent in one environment. It appears by itself from spans and heartbeats, or registers."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    environment = models.CharField(max_length=200)
    agent_id = models.CharField(max_length=300)
    name = models.CharField(max_length=300, blank=True)
    owner = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    labels = models.JSONField(default=dict, blank=True)
    # Zero: the defaults of Patience.
    timeout_s = models.PositiveIntegerField(default=0)
    grace_s = models.PositiveIntegerField(default=0)
    registered_at = models.DateTimeField(null=True, blank=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "agent_id"], name="registry_agent_identity")
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} ({self.environment})"

    @property
    def patience(self) -> Patience:
        usual = Patience()
        return Patience(
            timedelta(seconds=self.timeout_s) or usual.timeout, timedelta(seconds=self.grace_s) or usual.grace
        )


class AgentVersion(models.Model):
    """A version of an agent: what it can do, where it answers, and how much of the traffic it is to get."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="versions")
    version = models.CharField(max_length=200, blank=True)
    capabilities = models.JSONField(default=list, blank=True)
    endpoint = models.CharField(max_length=1000, blank=True)
    health_check_url = models.CharField(max_length=1000, blank=True)
    # Of the traffic between versions: blue-green is 0 and 100, a gradual rollout moves between them.
    weight = models.PositiveSmallIntegerField(default=100)
    drained = models.BooleanField(default=False)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    # Observed from real spans, in milliseconds; null as long as there are none.
    p50_ms = models.FloatField(null=True, blank=True)
    p95_ms = models.FloatField(null=True, blank=True)
    p99_ms = models.FloatField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    # What its health check answered last; null as long as nobody has asked.
    probe_ok = models.BooleanField(null=True, blank=True)
    probe_said = models.CharField(max_length=300, blank=True)
    probe_ms = models.FloatField(null=True, blank=True)
    probed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "version"], name="registry_version_identity")]

    def __str__(self) -> str:
        return f"{self.agent} {self.version or 'without a version'}"


class Card(models.Model):
    """An agent's description of itself at a well-known address (A2A), as it was last fetched.

    The text is kept byte for byte: its signatures are over exactly that.
    """

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="card")
    url = models.CharField(max_length=1000)
    text = models.TextField()
    signatures = models.JSONField(default=list, blank=True)
    etag = models.CharField(max_length=300, blank=True)
    fetched_at = models.DateTimeField()
    # Until when it need not be fetched again.
    fresh_until = models.DateTimeField(db_index=True)
    # Why the last attempt failed; empty when it did not.
    problem = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"card of {self.agent}"


class Instance(models.Model):
    """One running copy of an agent. Its state changes by compare-and-set, and every change is kept."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="instances")
    instance_id = models.CharField(max_length=300)
    version = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=STATES, default=State.NEW)
    since = models.DateTimeField()
    last_beat = models.DateTimeField(null=True, blank=True)
    # In heartbeats or in spans, whichever came later.
    last_seen = models.DateTimeField()
    # When silence makes it down; null while it is not up. The sweep reads this index and nothing else.
    due = models.DateTimeField(null=True, blank=True, db_index=True)
    status = models.CharField(max_length=200, blank=True)
    load = models.FloatField(null=True, blank=True)
    in_flight = models.PositiveIntegerField(null=True, blank=True)
    # Its clock against ours, in milliseconds, as its last heartbeat showed.
    skew_ms = models.IntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "instance_id"], name="registry_instance_identity")
        ]

    def __str__(self) -> str:
        return f"{self.instance_id} of {self.agent}"


class InstanceChange(models.Model):
    """A transition: dated when it became due, with the moment it was noticed beside it."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="changes")
    before = models.CharField(max_length=10, choices=STATES)
    after = models.CharField(max_length=10, choices=STATES)
    at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    reason = models.CharField(max_length=300)

    class Meta:
        indexes = [models.Index(fields=["instance", "-at"], name="registry_change_by_instance")]

    def __str__(self) -> str:
        return f"{self.instance}: {self.before} to {self.after}"


class SigningKey(models.Model):
    """A public key of an agent. What it signed is believed while the key is published: see services/signing.py."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="signing_keys")
    kid = models.CharField(max_length=200, unique=True)
    x = models.CharField(max_length=60)
    since = models.DateTimeField()
    # When the agent registered without it; null while it is in use.
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kid} of {self.agent}"


class SenderPolicy(models.Model):
    """Who may ask whom for what. The first that matches decides; where none does, everything is allowed."""

    ALLOW, DENY = "allow", "deny"

    position = models.PositiveIntegerField(default=100, help_text="Lower ones decide first.")
    environment = models.CharField(max_length=200, default="*")
    sender = models.CharField(max_length=200, default="*", help_text="The sending agent.")
    recipient = models.CharField(max_length=200, default="*", help_text="The receiving agent.")
    action = models.CharField(max_length=200, default="*", help_text="The task that is asked for.")
    effect = models.CharField(max_length=5, choices=[(ALLOW, ALLOW), (DENY, DENY)])
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name_plural = "sender policies"

    def __str__(self) -> str:
        return f"{self.effect} {self.sender} to ask {self.recipient} for {self.action}"
