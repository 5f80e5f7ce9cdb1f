"""Can those who consume a queue keep up with what is usual for it? A burst that drains is no fault. Pure.

Capacity is what leaves while messages wait. Four things are told apart: capacity that has sunk below the usual demand
never catches up; hands that have slowed down are no match for what comes; a burst is far more than the usual demand,
and is over when it is over; and whatever goes on growing for long enough is too much, whatever it is called.
"""

from __future__ import annotations

from typing import NamedTuple

from agents.queues.stuck.values import QueueFacts
from agents.queues.stuck.words import lasting

# More than so many times the usual demand is a burst.
BURST = 3.0
# A capacity below this share of the usual demand has sunk.
SUNK = 0.7
# It has to be so for a while: who comes back finds what waited meanwhile, and works it off.
SUNK_FOR_S = 4.0
# Growing for so long without a break is no burst any more.
TOO_LONG_S = 180.0
# Below so many a second nothing can be said of rates over a few seconds.
LEAST_RATE = 0.3
# Hands that need so many times as long as usual have slowed down; less than this is nobody's slowness.
SLOWER = 4.0
SLOW_S = 0.25
# What rates are taken over: long enough that a slow message now and then is no dip.
OVER_S = 15.0


class Look(NamedTuple):
    saturated: bool
    says: str


def look(queue: QueueFacts) -> Look:
    """Asked only of a queue in which messages wait longer than usual."""
    if not queue.depth:
        return Look(False, "nothing waits in the queue any more")
    if not queue.moves:
        # What holds the hands now is looked at by itself.
        return Look(False, "those who consume it are at work on what they took")
    if queue.growing_s >= TOO_LONG_S and queue.leaving < queue.entering:
        return Look(True, f"it has grown for {lasting(queue.growing_s)}: {_rates(queue)}")
    if _slowed(queue):
        return Look(True, _how_slow(queue))
    demand = queue.usual_entering or 0.0
    return _against(queue, demand) if demand >= LEAST_RATE else Look(False, _drains(queue, demand))


def _slowed(queue: QueueFacts) -> bool:
    """Each message takes far longer than usual, and more come than go: a burst is no excuse for that."""
    if queue.work_s is None or queue.usual_work_s is None or queue.entering <= queue.leaving:
        return False
    return queue.work_s > max(SLOWER * queue.usual_work_s, SLOW_S)


def _how_slow(queue: QueueFacts) -> str:
    return (
        f"its consumers need {queue.work_s:.2f} s for a message that usually takes {queue.usual_work_s:.2f} s: "
        f"{_rates(queue)}"
    )


def _against(queue: QueueFacts, demand: float) -> Look:
    """Against what is usual."""
    if queue.entering > BURST * demand:
        times = queue.entering / demand
        return Look(False, f"a burst, {times:.0f} times what is usual: {queue.leaving:.1f} leave a second")
    grows = queue.growth is None or queue.growth > 0
    if queue.leaving < SUNK * demand and grows and queue.sunk_s >= SUNK_FOR_S:
        says = f"its consumers do less than is usually asked: {_rates(queue)}, usually {demand:.1f} come"
        return Look(True, says)
    return Look(False, _drains(queue, demand))


def _rates(queue: QueueFacts) -> str:
    return f"{queue.entering:.1f} a second come, {queue.leaving:.1f} leave"


def _drains(queue: QueueFacts, demand: float) -> str:
    spare = queue.leaving - min(demand, queue.entering)
    if spare > 0:
        return f"it drains: empty in {lasting(queue.depth / spare)} at this rate"
    return f"{queue.leaving:.1f} a second leave, as usual"
