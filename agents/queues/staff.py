"""Who consumes, as far as workers told: what a broker that keeps no consumers cannot say. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.queues.values import Worker

# A worker in one thread answers nobody while it works. For so long its silence says nothing.
PATIENT = timedelta(hours=1)
ALONE = frozenset({"solo"})


@dataclass(frozen=True, slots=True)
class Staff:
    """Workers that answer by queue; and the queues of those whose silence says nothing. `asked`: whether all were
    asked lately."""

    answering: Counter[str] = field(default_factory=Counter)
    silent: frozenset[str] = frozenset()
    asked: bool = False

    @property
    def queues(self) -> set[str]:
        return set(self.answering) | self.silent

    def consumers(self, queue: str, *, busy: bool) -> int | None:
        """How many take from the queue; None when nobody can tell: somebody may who does not answer, and messages
        that leave are taken by somebody."""
        if found := self.answering[queue]:
            return found
        return None if busy or queue in self.silent or not self.asked else 0


def staff_of(workers: Iterable[Worker], now: datetime, *, asked: bool) -> Staff:
    answering: Counter[str] = Counter()
    silent: set[str] = set()
    for each in workers:
        if each.answers(now):
            answering.update(set(each.queues))
        elif each.pool in ALONE and now - each.answered_at <= PATIENT:
            silent.update(each.queues)
    return Staff(answering, frozenset(silent), asked)
