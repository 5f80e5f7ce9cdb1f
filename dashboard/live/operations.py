"""The topic `operations`: those that go on and those that ended a short while ago, with their tallies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from agents.operations import selectors
from agents.operations.models import Operation, PlanPart
from agents.operations.values import OPEN, ItemState
from core import clock
from core.access.api import Permission, Place
from dashboard.live.api import Row, State
from dashboard.live.counts import Waiting

# Open pages see the end of one that just ended; older ones do not change.
RECENT = timedelta(minutes=15)
MOST, MOST_PLACES = 100, 50


class Operations:
    """Their figures change without a change of state, and each change says so by a hint."""

    name = "operations"
    permission = Permission.SEE

    def load(self) -> State:
        wanted = Q(state__in=OPEN) | Q(ended_at__gte=clock.now() - RECENT)
        found = list(Operation.objects.filter(wanted).order_by("-created_at")[:MOST])
        places = _places([each.plan_id for each in found])
        return State(None, {str(each.pk): _row(each, places.get(each.plan_id, [])) for each in found})


def halted() -> Iterable[Waiting]:
    """What is held up until somebody resumes or cancels it, for the rail."""
    rows = list(selectors.halted())
    places = _places([each.plan_id for each in rows])
    for each in rows:
        yield Waiting(next(iter(places.get(each.plan_id, [])), Place()))


def shown(row: Operation) -> dict[str, Any]:
    """What changes while a page is open."""
    return {
        "number": row.number,
        "action": row.action,
        "state": row.state,
        "step": row.step,
        "why": row.why,
        "tally": {"selected": row.selected} | {str(state): getattr(row, state) for state in ItemState},
    }


def _row(row: Operation, places: list[Place]) -> Row:
    first, *others = places or [Place()]
    return Row(first, shown(row), also=tuple(others))


def _places(plans: Iterable[UUID]) -> Mapping[UUID, list[Place]]:
    """Where their members are; whoever sees one of these places follows the operation."""
    columns = ("plan_id", "environment", "queue", "agent")
    rows = PlanPart.objects.filter(plan__in=list(plans)).order_by().values_list(*columns).distinct()
    found: dict[UUID, list[Place]] = defaultdict(list)
    for plan, environment, queue, agent in rows:
        if len(found[plan]) < MOST_PLACES:
            found[plan].append(Place(environment, queue, agent))
    return found
