"""What one look leaves to the next: what is usual for a queue, learned from its last hour, and since when it grows.

What a queue did while its messages were stuck teaches nothing: a limit that grows with every incident comes too late
for the next one. But what lasts for more than half an hour is usual by now, whatever it is called.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from django.conf import settings
from django.db.models import Q

from agents.queues import selectors, tallies
from agents.queues.rates import STILL
from agents.queues.stuck import patience, saturation
from agents.queues.stuck.candidates import Flow
from agents.queues.stuck.models import CauseRow
from agents.queues.stuck.values import Patience
from agents.queues.values import Point, QueueKey, QueueState, minute_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RELEARN = timedelta(seconds=20)
# A minute that was sampled for less says nothing of rates.
LEAST_COUNTED_S = 10
# What lasts for longer than this is no incident.
LONGEST_MINUTES = 30


@dataclass(slots=True)
class Memory:
    """Limits and usual rates by queue `id`; since when by key."""

    patience: dict[int, Patience] = field(default_factory=dict)
    usual: dict[int, float | None] = field(default_factory=dict)
    work: dict[int, float | None] = field(default_factory=dict)
    growing: dict[QueueKey, datetime] = field(default_factory=dict)
    sunk: dict[QueueKey, datetime] = field(default_factory=dict)
    learned: dict[int, datetime] = field(default_factory=dict)

    def learn(self, queues: Mapping[QueueKey, QueueState], now: datetime) -> None:
        """Of the queues that are looked at, anew now and then."""
        due = [state for state in queues.values() if now - self.learned.get(state.id, now - HOUR) > RELEARN]
        if due:
            history = selectors.history([state.id for state in due], now - HOUR, now)
            held_up = _held_up(due, now)
            for state in due:
                self._learn(state, calm(history[state.id], held_up[state.key]), now)
        self.forget_all_but(queues.keys())
        self._see_growth(queues, now)

    def forget_all_but(self, queues: Collection[QueueKey]) -> None:
        """Since when something is so is known only while it is looked at."""
        for since in (self.growing, self.sunk):
            for key in since.keys() - set(queues):
                del since[key]

    def sunk_since(self, state: QueueState, flow: Flow, now: datetime) -> datetime | None:
        """Since when less leaves than usually comes, over the last seconds and the very last ones."""
        usual = self.usual.get(state.id) or 0.0
        if flow.leaving < saturation.SUNK * usual and flow.left_lately:
            return self.sunk.setdefault(state.key, now)
        self.sunk.pop(state.key, None)
        return None

    def _learn(self, state: QueueState, points: Sequence[Point], now: datetime) -> None:
        times = tallies.times(tallies.merged(point.tally for point in points))
        rates = [
            point.tally.entered / point.tally.counted_s
            for point in points
            if point.tally.counted_s >= LEAST_COUNTED_S
        ]
        self.patience[state.id] = patience.of(state.name, times, settings.POSTROOM.patience)
        self.work[state.id] = times.work.p50 if times.work.messages >= patience.FEW else None
        self.usual[state.id] = median(rates) if rates else None
        self.learned[state.id] = now

    def _see_growth(self, queues: Mapping[QueueKey, QueueState], now: datetime) -> None:
        for key, state in queues.items():
            if (state.growth or 0.0) > STILL and state.depth:
                self.growing.setdefault(key, now)
            else:
                self.growing.pop(key, None)


def calm(points: Sequence[Point], held_up: Iterable[range]) -> Sequence[Point]:
    """Those of them in which nothing was stuck; all, when these are too few to say what is usual. Pure."""
    troubled = {minute for stretch in held_up for minute in stretch}
    found = [point for point in points if point.start not in troubled]
    enough = sum(point.tally.work.count for point in found) >= patience.FEW
    return found if enough and len(points) - len(found) <= LONGEST_MINUTES else points


def _held_up(queues: Sequence[QueueState], now: datetime) -> dict[QueueKey, list[range]]:
    """The minutes of the last hour in which messages of these queues were stuck, and the one after, in which those are
    taken that had to wait."""
    rows = CauseRow.objects.filter(Q(over_at=None) | Q(over_at__gte=now - HOUR))
    rows = rows.filter(queue__in={state.name for state in queues})
    first = minute_of(now - HOUR)
    found: dict[QueueKey, list[range]] = defaultdict(list)
    for broker, queue, begun, over in rows.values_list("broker", "queue", "oldest_at", "over_at"):
        found[QueueKey(broker, queue)].append(
            range(max(first, minute_of(begun)), minute_of((over or now) + MINUTE) + 1)
        )
    return found
