"""Postroom itself: intake that cannot commit, or tells senders to come again."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

from agents.alerts.values import Reading, Readings, Spot
from agents.intake import selectors
from core import live_redis, metrics

REQUESTS = "postroom_intake_requests_total"
COME_AGAIN = frozenset({"429", "503", "RESOURCE_EXHAUSTED", "UNAVAILABLE"})
MOST_MINUTES = 60


def intake_stopped(now: datetime, window: timedelta) -> Readings:
    """Seconds for which an intake process could not commit."""
    try:
        return Readings(tuple(_trouble(each, now) for each in selectors.troubles()))
    except live_redis.Unreachable:
        return Readings(missing="Redis cannot be asked")


class Overload:
    """Counts what was told to come again, from the counters that the processes publish. One that began anew counts
    from 0."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}
        self._steps: deque[tuple[datetime, float]] = deque()

    def __call__(self, now: datetime, window: timedelta) -> Readings:
        counted = told_to_come_again(metrics.published())
        if not counted:
            return Readings(missing="no intake process publishes its figures")
        self._steps.append((now, sum(self._since(key, count) for key, count in counted.items())))
        while self._steps and now - self._steps[0][0] > timedelta(minutes=MOST_MINUTES):
            self._steps.popleft()
        number = sum(count for at, count in self._steps if now - at <= window)
        return Readings((Reading(Spot(name="intake"), number, title="intake"),))

    def _since(self, key: tuple[str, str], count: float) -> float:
        # What was counted before anybody looked is no news.
        before = self._last.get(key, count)
        self._last[key] = count
        return count - before if count >= before else count


intake_overload = Overload()


def told_to_come_again(every: list[metrics.Published]) -> dict[tuple[str, str], float]:
    """So far, of each intake process that publishes."""
    found = {(each.kind, f"{each.name}/{each.pid}"): 0.0 for each in every if each.kind == "intake"}
    for each in every:
        key = (each.kind, f"{each.name}/{each.pid}")
        if key in found:
            found[key] += sum(
                value
                for family in each.families
                for name, labels, value in family["samples"]
                if name == REQUESTS and labels.get("status") in COME_AGAIN
            )
    return found


def _trouble(each: selectors.Trouble, now: datetime) -> Reading:
    lasted = (now - datetime.fromtimestamp(each.since, UTC)).total_seconds()
    return Reading(Spot(name=each.name), max(lasted, 0.0), each.sentence, f"intake {each.name}")
