"""An operation's figures every few seconds while it goes on: its speed, and the queue that it sends to."""

from __future__ import annotations

from django.db.models import Q

from agents.operations.models import Operation, Sample
from agents.operations.models.operations import figures
from agents.operations.services import around
from agents.operations.values import State
from core import clock

AT_ONCE = 100
# A chart needs no more; of a long operation every other sample goes, again and again.
MOST = 1_000


def sample() -> None:
    """Of every operation that runs, or has messages under way."""
    going = Q(state__in=[State.RUNNING, State.CANCELLING]) | Q(dispatched__gt=0)
    for operation in Operation.objects.filter(going).select_related("plan")[:AT_ONCE]:
        depth = around.depth(operation) if operation.sends else None
        figures(clock.now(), operation, depth).save()
        _thin(operation)


def _thin(operation: Operation) -> None:
    if operation.samples.count() <= MOST:
        return
    ids = list(operation.samples.order_by("pk").values_list("pk", flat=True))
    Sample.objects.filter(pk__in=ids[1:-1:2]).delete()
