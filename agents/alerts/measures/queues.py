"""Queues and brokers, as they were sampled last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

from agents.alerts.measures.memory import once
from agents.alerts.values import Reading, Readings, Spot
from agents.queues import selectors
from agents.queues.values import BrokerState, QueueState


def depth(now: datetime, window: timedelta) -> Readings:
    """Messages that wait."""
    return _each(now, lambda queue: float(queue.depth))


def age(now: datetime, window: timedelta) -> Readings:
    """Seconds that the oldest message waits; an empty queue has none that does."""
    return _each(now, lambda queue: queue.oldest_age_s if queue.depth else 0.0)


def growth(now: datetime, window: timedelta) -> Readings:
    """Messages a second that stay."""
    return _each(now, lambda queue: queue.growth if queue.depth else 0.0)


def unreachable(now: datetime, window: timedelta) -> Readings:
    """Seconds since a broker was reached. Nobody samples: then nobody knows."""
    return Readings(tuple(_broker(each, now) for each in selectors.brokers()))


@once
def _read(now: datetime) -> tuple[dict[str, BrokerState], list[QueueState]]:
    """Three signals look at the same figures."""
    brokers = {each.name: each for each in selectors.brokers()}
    return brokers, [queue for queue in selectors.queues() if queue.there]


def _each(now: datetime, figure: Callable[[QueueState], float | None]) -> Readings:
    brokers, there = _read(now)
    rows = tuple(_reading(queue, brokers.get(queue.broker), figure, now) for queue in there)
    away = [_why(each) for each in brokers.values() if not each.is_fresh(now)]
    return Readings(rows, "; ".join(away))


def _reading(
    queue: QueueState, broker: BrokerState | None, figure: Callable[[QueueState], float | None], now: datetime
) -> Reading:
    spot = Spot(queue.environment, queue.broker, queue.name)
    link = f"/queues/{quote(queue.broker)}/one/{quote(queue.name)}"
    if queue.is_fresh(now):
        value = figure(queue)
        return Reading(spot, value, "" if value is not None else "the broker does not tell", link=link)
    why = (
        _why(broker)
        if broker and not broker.is_fresh(now)
        else f"its last figures are {queue.age_s(now):.0f} s old"
    )
    return Reading(spot, None, why, link=link)


def _why(broker: BrokerState) -> str:
    if broker.reachable:
        return f"the figures of {broker.name} are not renewed"
    return f"{broker.name} cannot be reached since {broker.since:%H:%M:%S} UTC"


def _broker(broker: BrokerState, now: datetime) -> Reading:
    spot = Spot(broker=broker.name)
    if broker.is_fresh(now):
        return Reading(spot, 0.0)
    if broker.reachable or broker.sampled_at is None:
        return Reading(spot, None, "nobody samples it")
    away = (now - broker.since).total_seconds()
    return Reading(spot, max(away, 0.0), broker.reason, f"broker {broker.name}", "/queues")
