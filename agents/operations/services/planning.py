"""A plan is asked for; a small one is sealed at once, a large one by a worker."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from agents.operations.celery import seal_soon
from agents.operations.models import Plan, PlanChange
from agents.operations.options import TAKEN, Options
from agents.operations.services import sealing, selecting, waiting, who
from agents.operations.values import PERMISSIONS, Action, PlanState, Selection
from core import clock
from core.access.api import Permission, require
from core.access.audit.api import Action as Audited
from core.access.audit.api import Target
from core.access.services import Actor

# What is sealed while its asker waits.
SMALL = 1_000
LIFE = timedelta(hours=1)


def plan(action: Action, selection: Selection, options: Options, actor: Actor) -> Plan:
    """See `agents.operations.api.plan`."""
    require(actor.subject, PERMISSIONS[action])
    if options.edit:
        require(actor.subject, Permission.EDIT)
    if selection.queue:
        return _of_waiting(action, selection, options, actor)
    rows = selecting.letters(action, selection, actor.subject)
    small = len(rows.order_by().values_list("pk")[: SMALL + 1]) <= SMALL
    made = _make(action, selection, options, actor, told=not small)
    if small:
        sealing.go_on(made.pk)
        made.refresh_from_db()
    return made


def _of_waiting(action: Action, selection: Selection, options: Options, actor: Actor) -> Plan:
    """Looking at a queue takes a moment, whatever waits there: it is sealed while its asker waits, and by a worker
    when the broker is away."""
    waiting.checked(action, selection, actor.subject, options.target_queue)
    made = _make(action, selection, options, actor, told=False)
    waiting.seal_or_say(made)
    made.refresh_from_db()
    return made


@transaction.atomic
def _make(action: Action, selection: Selection, options: Options, actor: Actor, *, told: bool) -> Plan:
    now = clock.now()
    made = Plan.objects.create(
        state=PlanState.SEALING,
        action=action,
        select=selection.dump(),
        options={name: value for name, value in options.dump().items() if name in TAKEN[action]},
        created_at=now,
        since=now,
        expires_at=now + LIFE,
        **who.asked(actor.subject),
    )
    PlanChange.objects.create(plan=made, after=PlanState.SEALING, at=now, by=actor.subject.name)
    if told:
        seal_soon(made.pk)
    after = {"action": str(action), "select": made.select, "options": made.options}
    actor.record(Audited.PLAN_MADE, Target("plan", str(made.pk), str(made)), after=after)
    return made
