"""The watcher's part of the queues: each broker is sampled, and its workers asked; events are read on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from agents.queues.celery import Workers
from agents.queues.flow import Flow
from agents.queues.opening import opened
from agents.queues.services import standing
from agents.queues.services.sampling import Sampler
from agents.queues.services.staffing import Asking
from agents.queues.stuck.looking import Looker
from core import clock, metrics, watch
from core.brokers.api import BrokerError, BrokerUrl, configured
from core.watch import Turn

log = structlog.get_logger(__name__)
# As often as RabbitMQ's own figures change.
SAMPLE_SECONDS = 5.0
# A broker that is away is asked more often: it shows that it is back before anybody has to look twice.
AWAY_SECONDS = 2.0
ASK_SECONDS = 3.0
FOLLOW = timedelta(seconds=1)
STUCK = timedelta(seconds=1.5)


class Sampling:
    """Samples one broker for as long as its watcher leads, at a steady pace."""

    def __init__(self, broker: BrokerUrl, flow: Flow) -> None:
        self._broker, self._flow = broker, flow
        self._away = False

    def look(self, turn: Turn) -> None:
        with opened(self._broker) as there:
            sampler = Sampler(self._broker, there, self._flow)
            while turn.wanted:
                began = clock.monotonic()
                every = self._step(sampler)
                took = clock.monotonic() - began
                metrics.SAMPLE_SECONDS.labels(self._broker.name).observe(took)
                turn.over.wait(max(0.1, every - took))

    def _step(self, sampler: Sampler) -> float:
        """How long until the next."""
        try:
            reading = sampler.step()
        except BrokerError as problem:
            self._is_away(str(problem))
            return AWAY_SECONDS
        if self._away:
            log.info("a broker answers again", broker=self._broker.name)
        self._away = False
        metrics.BROKER_UP.labels(self._broker.name).set(1)
        metrics.QUEUES.labels(self._broker.name).set(len(reading.queues))
        return SAMPLE_SECONDS

    def _is_away(self, reason: str) -> None:
        if not self._away:
            log.warning("a broker does not answer", broker=self._broker.name, problem=reason)
        self._away = True
        metrics.BROKER_UP.labels(self._broker.name).set(0)
        standing.is_away(self._broker, reason)


class Staffing:
    """Asks the workers of one broker for as long as its watcher leads."""

    def __init__(self, broker: BrokerUrl) -> None:
        self._broker = broker

    def look(self, turn: Turn) -> None:
        workers = Workers(self._broker)
        asking = Asking(self._broker, workers)
        try:
            while turn.wanted:
                try:
                    asking.step()
                except BrokerError as problem:
                    # That the broker is away is the sampler's to say.
                    log.debug("workers cannot be asked", broker=self._broker.name, problem=str(problem))
                turn.over.wait(ASK_SECONDS)
        finally:
            workers.close()


def _following(flow: Flow) -> Callable[[Turn], None]:
    def follow(turn: Turn) -> None:
        while turn.wanted and flow.follow():
            pass

    return follow


def looking(turn: Turn) -> None:
    """What is stuck, and why: looked at for as long as the turn lasts."""
    looker = Looker()
    try:
        while turn.wanted:
            looker.look()
            turn.over.wait(STUCK.total_seconds())
    finally:
        looker.close()


_flow = Flow([each.name for each in configured()])
watch.register("queues flow", FOLLOW, _following(_flow))
for _each in configured():
    watch.register(f"queues of {_each.name}", timedelta(seconds=1), Sampling(_each, _flow).look)
    watch.register(f"workers of {_each.name}", timedelta(seconds=1), Staffing(_each).look)
watch.register("stuck", STUCK, looking)
