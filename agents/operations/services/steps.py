"""An operation's steps: by compare-and-set, with a line in the timeline, an entry in the trail, and word of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from agents.operations.models import Operation, OperationChange, Plan, PlanChange
from agents.operations.signals import changed
from agents.operations.values import PlanState, State
from core import clock, hints
from core.access.api import Place
from core.access.audit.api import Action as Audited
from core.access.audit.api import Target
from core.access.services import Actor
from core.transitions import advance

TOPIC = "operations"


def hint(operation: Operation) -> None:
    """Its state or its figures changed."""
    hints.hint(TOPIC)
    hints.hint(f"operation:{operation.pk}")


@transaction.atomic
def step(
    operation: Operation,
    before: Collection[State],
    after: State,
    actor: Actor,
    audited: Audited,
    *,
    said: str = "",
    changes: dict[str, Any] | None = None,
) -> Operation:
    """Move it, or raise StaleStateError. Returns it as it is afterwards."""
    row = Operation.objects.select_for_update().get(pk=operation.pk)
    old = State(row.state)
    advance(
        Operation.objects.all(),
        pk=row.pk,
        from_states=[str(state) for state in before],
        to=after,
        history=lambda: _line(row, old, after, actor, said).save(),
        changes={"since": clock.now()} | (changes or {}),
    )
    row.refresh_from_db()
    tell(row, old, actor, audited, said)
    return row


def tell(operation: Operation, before: State | str, actor: Actor, audited: Audited, said: str = "") -> None:
    """Whoever wants to know that its state changed: other rooms, open pages, the trail. Last in the transaction."""
    changed.send(Operation, operation=operation, before=before, after=State(operation.state))
    hint(operation)
    old = {"state": str(before)} if before else None
    after = {"state": operation.state, "said": said, "sha256": operation.sha256, "tally": _tally(operation)}
    actor.record(audited, target(operation), before=old, after=after)


def note(operation: Operation, said: str, actor: Actor) -> None:
    """A line in the timeline that is no change of state."""
    state = State(operation.state)
    _line(operation, state, state, actor, said).save()
    hint(operation)


def begin(operation: Operation, actor: Actor) -> None:
    """The first line of a new one."""
    _line(operation, "", State(operation.state), actor, operation.reason).save()


def move_plan(
    plan: Plan, before: PlanState, after: PlanState, by: str, changes: dict[str, Any] | None = None
) -> None:
    """A plan's step. Raises StaleStateError."""
    now = clock.now()
    advance(
        Plan.objects.all(),
        pk=plan.pk,
        from_states=[before],
        to=after,
        history=PlanChange(plan=plan, before=before, after=after, at=now, by=by).save,
        changes={"since": now} | (changes or {}),
    )
    hints.hint("plans")
    hints.hint(f"plan:{plan.pk}")


def target(operation: Operation) -> Target:
    return Target("operation", str(operation.pk), str(operation), place_of(operation.plan))


def place_of(plan: Plan) -> Place:
    """Where it acts, as one place: a part that its members do not share is everywhere, which only a grant for
    everything covers."""
    parts = list(plan.parts.values_list("environment", "queue", "agent").distinct()[:1_000])
    shared = [
        values.pop() if len(values := set(column)) == 1 else None for column in zip(*parts, strict=True)
    ]
    return Place(*shared) if shared else Place()


def _tally(operation: Operation) -> dict[str, int]:
    tally = operation.tally
    return {name: getattr(tally, name) for name in tally.__slots__}


def _line(
    operation: Operation, before: State | str, after: State, actor: Actor, said: str
) -> OperationChange:
    return OperationChange(
        operation=operation,
        before=before,
        after=after,
        at=clock.now(),
        by=actor.subject.name,
        said=said[:2_000],
    )
