"""A message is lost when there should be evidence and there is none. Derived from the clock, never stored.

Two things can be known. A retry has its moment: when that is long over, somebody should have received it. An instance
that had a message in hand and is down gave it back or lost it: on every broker whose promise is "no loss" it is
delivered again by then. A message that only waits is not lost, however long it waits: what the queue says decides.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from agents.ledger.values import HELD_BY_AGENT, LOST, Kind, micros
from agents.registry.models import Instance
from agents.registry.values import State

# Celery's own brokers deliver again what was not acknowledged within an hour.
LONG = timedelta(hours=1)
# More than these are an outage that needs no list of messages to be seen.
MOST_DOWN = 300


class Absence(NamedTuple):
    """What tells that something is missing: moments before which it should have come, and who is down since then."""

    before: int
    down: Collection[tuple[str, str]]  # environment, instance

    def state(self, state: str, environment: str, instance: str, due: int, heard: int) -> str:
        """The state as it is shown."""
        if state == Kind.RETRYING and 0 < due < self.before:
            return LOST
        held = state in HELD_BY_AGENT and heard < self.before
        return LOST if held and (environment, instance) in self.down else state

    def condition(self) -> Q:
        """The rows that are lost."""
        found = Q(state=Kind.RETRYING, due__gt=0, due__lt=self.before)
        for environment, instance in self.down:
            found |= Q(
                state__in=HELD_BY_AGENT, heard__lt=self.before, environment=environment, instance=instance
            )
        return found


def absence(now: datetime) -> Absence:
    """As the registry knows it now."""
    down = Instance.objects.filter(state=State.DOWN, since__lt=now - LONG).order_by("-since")
    rows = down.values_list("agent__environment", "instance_id")[:MOST_DOWN]
    return Absence(micros(now - LONG), frozenset(rows))
