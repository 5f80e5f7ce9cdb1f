"""Who has deliveries of a queue in hand, asked of the broker itself, where it tells: asked only when nothing moves."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from agents.queues.api import Broker, BrokerError
from agents.queues.opening import opened
from agents.queues.values import Held
from core.brokers.api import configured

log = structlog.get_logger(__name__)
MOST = 200


class InHand:
    """Connections that are made when they are first needed. For one thread."""

    def __init__(self) -> None:
        self._brokers: dict[str, Broker] = {}

    def of(self, broker: str, queue: str) -> Sequence[Held]:
        """None where the broker does not tell, or cannot be asked: then nothing follows from it."""
        there = self._open(broker)
        if there is None:
            return ()
        try:
            return there.held(queue, MOST)
        except BrokerError as problem:
            log.debug("deliveries in hand cannot be asked for", broker=broker, problem=str(problem))
            return ()

    def close(self) -> None:
        for each in self._brokers.values():
            each.close()
        self._brokers = {}

    def _open(self, name: str) -> Broker | None:
        if name not in self._brokers:
            url = next((each for each in configured() if each.name == name), None)
            if url is None:
                return None
            self._brokers[name] = opened(url)
        return self._brokers[name]
