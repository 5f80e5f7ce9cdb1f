"""The watcher's part of operations: outcomes are read, what was dropped is picked up, policies are looked at."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import structlog

from agents.operations.services import automatic, erasing, outcomes, reaping, sampling, telling
from core import watch
from core.brokers.api import BrokerError, BrokerUrl, configured
from core.brokers.delays import Delays
from core.watch import Turn

log = structlog.get_logger(__name__)


def follow(turn: Turn) -> None:
    """Evidence that the ledger has, as long as there is more."""
    while turn.wanted and outcomes.follow_ledger():
        pass


def give_up(turn: Turn) -> None:
    """What has no outcome within its time, and what left its queue."""
    while turn.wanted and outcomes.give_up():
        pass
    outcomes.left_queues()


def tell(turn: Turn) -> None:
    """What the ledger does not know yet, as long as there is more."""
    while turn.wanted and telling.tell_rest():
        pass


def reap(turn: Turn) -> None:
    """What dead workers held, what lost its trigger, and what nobody used in time."""
    reaping.reap()
    reaping.nudge()
    reaping.seal_forgotten()
    reaping.expire_plans()


def sample(turn: Turn) -> None:
    """Figures for the charts of what is under way."""
    sampling.sample()


def erase(turn: Turn) -> None:
    """Purges whose time is over."""
    erasing.erase_due()


def redrive(turn: Turn) -> None:
    """What policies find due."""
    automatic.look()


def move_due(turn: Turn) -> None:
    """Delayed messages on every Redis, for queues whose consumers move none themselves."""
    for broker in configured():
        if broker.kind == "redis":
            _sweep(broker)


@cache
def _delays(broker: BrokerUrl) -> Delays:
    """It keeps its connection from one second to the next."""
    return Delays(broker)


def _sweep(broker: BrokerUrl) -> None:
    try:
        _delays(broker).sweep()
    except BrokerError as problem:
        log.debug("delayed messages wait for their broker", broker=broker.name, problem=str(problem))


watch.register("operations outcomes", timedelta(milliseconds=200), follow)
watch.register("operations overdue", timedelta(seconds=1), give_up)
watch.register("operations ledger", timedelta(milliseconds=500), tell)
watch.register("operations reaper", timedelta(seconds=1), reap)
watch.register("operations samples", timedelta(seconds=2), sample)
watch.register("operations erasing", timedelta(seconds=30), erase)
watch.register("operations policies", timedelta(seconds=15), redrive)
watch.register("operations delays", timedelta(seconds=1), move_due)
