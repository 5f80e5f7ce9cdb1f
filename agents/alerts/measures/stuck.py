"""Messages that are stuck, by cause: as the watcher found them, and unknown when it did not look."""

from __future__ import annotations

from datetime import datetime, timedelta

from agents.alerts.values import Reading, Readings, Spot
from agents.queues.stuck import selectors
from agents.queues.stuck.selectors import Cause
from agents.queues.stuck.values import Verdict


def messages(now: datetime, window: timedelta) -> Readings:
    """How many each cause holds up. What follows from another cause is counted there."""
    look = selectors.look()
    if not look.fresh:
        return Readings(missing=look.why)
    found: dict[Spot, list[Cause]] = {}
    for cause in selectors.all_causes():
        if not cause.row.behind:
            found.setdefault(_spot(cause), []).append(cause)
    return Readings(tuple(_reading(spot, causes) for spot, causes in found.items()))


def _spot(cause: Cause) -> Spot:
    row = cause.row
    return Spot(row.environment, row.broker, row.queue, row.agent, str(cause.verdict))


def _reading(spot: Spot, causes: list[Cause]) -> Reading:
    """An unknown verdict claims nothing, however many wait."""
    known = spot.name != Verdict.UNKNOWN
    value = float(sum(each.row.messages for each in causes)) if known else None
    return Reading(spot, value, causes[0].sentence, spot.queue or spot.agent, f"/stuck/{causes[0].row.pk}")
