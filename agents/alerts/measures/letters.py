"""Letters that arrive, and capture that cannot go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from agents.alerts.values import Reading, Readings, Spot
from agents.deadletters import selectors, trouble
from agents.deadletters.models import FailureGroup
from core import live_redis


def arriving(now: datetime, window: timedelta) -> Readings:
    """Letters that died within the stretch of time, place by place."""
    found = selectors.died_by_place(now - window)
    return Readings(
        tuple(
            Reading(
                Spot(place.environment or "", "", place.queue or "", place.agent or ""),
                float(number),
                title=place.queue or place.agent or "",
                link=f"/letters?queue={quote(place.queue or '')}",
            )
            for place, number in found
        )
    )


def new(now: datetime, window: timedelta) -> Readings:
    """Failures that were first seen within the stretch of time."""
    rows = selectors.groups_first_seen(now - window)
    return Readings(tuple(_group(each, each.failure_message) for each in rows))


def back(now: datetime, window: timedelta) -> Readings:
    """Failures of which a letter died again within it, after a redrive."""
    rows = selectors.groups_come_back(now - window)
    return Readings(tuple(_group(each, _times(each.came_back)) for each in rows))


def _times(number: int) -> str:
    return f"It came back {'once' if number == 1 else f'{number:,} times'} so far"


def _group(group: FailureGroup, says: str) -> Reading:
    spot = Spot(group.environment, "", group.queue, group.agent, str(group.pk))
    return Reading(
        spot,
        float(group.deaths),
        says,
        group.title,
        f"/letters?queue={quote(group.queue)}&error={quote(group.failure_type)}",
    )


def capture_stopped(now: datetime, window: timedelta) -> Readings:
    """Seconds for which letters could not be taken off a broker."""
    try:
        found = trouble.troubles()
    except live_redis.Unreachable:
        return Readings(missing="Redis cannot be asked")
    return Readings(tuple(_trouble(each, now) for each in found))


def _trouble(each: trouble.Trouble, now: datetime) -> Reading:
    lasted = (now - datetime.fromtimestamp(each.since, UTC)).total_seconds()
    return Reading(Spot(broker=each.broker), max(lasted, 0.0), each.sentence, f"letters on {each.broker}")
