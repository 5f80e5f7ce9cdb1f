"""Plans, their members, and how a plan's state changed.

A plan's members are the operation's items: a plan is used once, so starting an operation copies nothing, however many
there are.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from agents.operations import options
from agents.operations.options import Options
from agents.operations.values import Action, Grade, Guard, ItemState, PlanState, Reach, Selection
from core import clock, ids
from core.access.api import Place, Subject

ACTIONS = [(each.value, each.value) for each in Action]
PLAN_STATES = [(each.value, each.value) for each in PlanState]
ITEM_STATES = [(each.value, each.value) for each in ItemState]
GRADES = [(each.value, each.value) for each in Grade]
NAME, SENTENCE = 300, 2_000


class Asked(models.Model):
    """Who asked, as values: the record outlives the account."""

    by_kind = models.CharField(max_length=20)
    by_id = models.CharField(max_length=200)
    by_name = models.CharField(max_length=200)
    # The scope that its token was bound to, as three patterns: it binds what is done later as well.
    by_bounds = models.JSONField(default=list)

    class Meta:
        abstract = True

    def asked_by(self, subject: Subject) -> bool:
        return (self.by_kind, self.by_id) == (str(subject.kind), subject.id)


class Plan(Asked):
    """Which ones, and then what. From `sealed` on nothing of it changes but its state."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    state = models.CharField(max_length=10, choices=PLAN_STATES, default=PlanState.SEALING)
    action = models.CharField(max_length=10, choices=ACTIONS)
    # Selection.dump, and what Options.dump says of the options that the action takes.
    select = models.JSONField()
    options = models.JSONField()
    count = models.PositiveIntegerField(default=0)
    # Over the action, the options and the members in their order; empty until it is sealed.
    sha256 = models.CharField(max_length=64, blank=True)
    # Guard.dump and Reach.dump.
    guards = models.JSONField(default=list)
    reach = models.JSONField(default=dict)
    # How many members bear each combination of flags, for the figure of those that would be left out.
    flagged = models.JSONField(default=dict)
    # The approval limit that it passes, in words; empty: the asker may go on alone.
    needs_approval = models.CharField(max_length=NAME, blank=True)
    # Why it cannot be sealed; only while it is sealing.
    trouble = models.CharField(max_length=SENTENCE, blank=True)
    created_at = models.DateTimeField()
    # Nothing that was captured later is in it.
    sealed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    since = models.DateTimeField()
    # The letter up to which members were taken, and when sealing was last heard of: so that it goes on after a crash.
    sealed_upto = models.UUIDField(null=True)
    active_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "expires_at"], name="plans_by_state"),
            models.Index(fields=["-created_at", "-id"], name="plans_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.count}, {self.state}"

    @property
    def state_now(self) -> PlanState:
        """The state, which is `expired` from the moment it is due and not from when somebody noticed."""
        due = self.state == PlanState.SEALED and self.expires_at <= clock.now()
        return PlanState.EXPIRED if due else PlanState(self.state)

    @property
    def how(self) -> Options:
        return options.load(self.options)

    @property
    def selection(self) -> Selection:
        return Selection.load(self.select)

    @property
    def warnings(self) -> list[Guard]:
        return [Guard.load(each) for each in self.guards]

    @property
    def touches(self) -> Reach:
        return Reach.load(self.reach)


class PlanPart(models.Model):
    """How many members are of one place, broker and version: what scopes, guards and pages ask for."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="parts")
    environment = models.CharField(max_length=NAME)
    queue = models.CharField(max_length=NAME)
    agent = models.CharField(max_length=NAME, blank=True)
    broker = models.CharField(max_length=NAME, blank=True)
    version = models.CharField(max_length=NAME, blank=True)
    count = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["environment", "queue", "agent"], name="plan_parts_by_place")]

    def __str__(self) -> str:
        return f"{self.count} of {self.queue} in {self.environment}"

    @property
    def place(self) -> Place:
        return Place(self.environment, self.queue, self.agent)


class PlanChange(models.Model):
    """A plan's step from one state to the next. The first one has no `before`."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="changes")
    before = models.CharField(max_length=10, choices=PLAN_STATES, blank=True)
    after = models.CharField(max_length=10, choices=PLAN_STATES)
    at = models.DateTimeField()
    by = models.CharField(max_length=NAME)

    def __str__(self) -> str:
        return f"{self.plan_id}: {self.before or 'new'} to {self.after}"


class Item(models.Model):
    """One member, and where it is. A letter's own history tells the same steps, with times and reasons."""

    id = models.BigAutoField(primary_key=True)
    # Read by (plan, state, ordinal) alone. No constraint: a million members are inserted in seconds.
    plan = models.ForeignKey(
        Plan, on_delete=models.CASCADE, related_name="items", db_index=False, db_constraint=False
    )
    # Its place in the order that was sealed, from 1.
    ordinal = models.PositiveIntegerField()
    # Exactly one of these: a letter, or a waiting message by its id on the plan's queue.
    letter = models.UUIDField(null=True)
    message = models.CharField(max_length=NAME, blank=True, default="")
    state = models.CharField(max_length=11, choices=ITEM_STATES, default=ItemState.WAITING)
    # values.Flag
    flags = models.PositiveSmallIntegerField(default=0)
    # The redrive number that its message carries; 0 before it is claimed.
    number = models.PositiveIntegerField(default=0)
    # The canary step that it was sent in, from 1; 0: no ladder.
    step = models.PositiveSmallIntegerField(default=0)
    # The claim that holds it, while it is claimed.
    claim = models.BigIntegerField(null=True)
    since = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # Until when its outcome is waited for, while it is dispatched.
    due = models.DateTimeField(null=True)
    grade = models.CharField(max_length=10, choices=GRADES, blank=True, default="")
    # Why it was left out, failed or is unknown, in a sentence.
    why = models.CharField(max_length=NAME, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["plan", "state", "ordinal"], name="items_by_state"),
            models.Index(fields=["letter"], name="items_by_letter"),
            models.Index(fields=["due"], name="items_due", condition=Q(state="dispatched")),
        ]

    def __str__(self) -> str:
        return f"{self.ordinal} of {self.plan_id}: {self.state}"
