"""How a queue stands, in one word: judged here and nowhere else, so that pages and programs never disagree. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from agents.queues.rates import FEW, STILL
from agents.queues.values import STALE_SECONDS, QueueState

# With nothing taken for so long, what waits does not move.
PATIENT_SECONDS = 30.0


class Standing(StrEnum):
    """What wants somebody first, first."""

    NO_CONSUMER = "no_consumer"
    UNREACHABLE = "unreachable"
    STALE = "stale"
    GROWING = "growing"
    NOT_MOVING = "not_moving"
    PAUSED = "paused"
    GONE = "gone"
    UNKNOWN = "unknown"  # something waits, and nobody can tell whether it gets less
    DRAINING = "draining"
    STEADY = "steady"
    EMPTY = "empty"


URGENCY = tuple(Standing)


def standing(queue: QueueState, now: datetime) -> Standing:
    if not queue.reachable:
        return Standing.UNREACHABLE
    if not queue.there:
        return Standing.GONE
    if queue.age_s(now) > STALE_SECONDS:
        return Standing.STALE
    if queue.paused:
        return Standing.PAUSED
    return _moving(queue) if queue.depth else Standing.EMPTY


def _moving(queue: QueueState) -> Standing:
    """Something waits in it: does it get less?"""
    if queue.consumers == 0:
        return Standing.NO_CONSUMER
    if (growth := queue.growth) is None:
        return Standing.UNKNOWN
    if growth > STILL and queue.depth >= FEW:
        return Standing.GROWING
    if queue.out_rate == 0 and (queue.oldest_age_s or 0.0) > PATIENT_SECONDS:
        return Standing.NOT_MOVING
    return Standing.DRAINING if growth < -STILL else Standing.STEADY
