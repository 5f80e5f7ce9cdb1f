"""What Celery's stream brings: events of messages into the ledger, signs of life of workers into the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from agents.ledger import table
from agents.ledger.observed import Attempts, event, heartbeat, task_of
from agents.ledger.services import arriving
from agents.registry.services import heartbeats
from agents.registry.values import Heartbeat
from core import clock

log = structlog.get_logger(__name__)
# Workers beat every two seconds; the registry is patient for fifteen.
BEAT_EVERY = 5.0


class Observer:
    """Listens to one broker. For one thread."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self._attempts = Attempts()
        self._beaten: dict[str, float] = {}

    def take(self, said: Sequence[Mapping[str, Any]]) -> None:
        """Committed when it returns, but for signs of life: those come again."""
        self._recall(said)
        found = [event(each, self._broker, self._attempts) for each in said]
        arriving.take_observed([each for each in found if each], "celery")
        self._beat(said)

    def _recall(self, said: Sequence[Mapping[str, Any]]) -> None:
        """Attempts of messages that a watcher before us has heard of."""
        unknown = {task for each in said if (task := task_of(each)) and not self._attempts.known(task)}
        for row in table.of_id(unknown):
            self._attempts.note(row.message_id, max(1, row.attempt))

    def _beat(self, said: Sequence[Mapping[str, Any]]) -> None:
        now, moment = clock.now(), clock.monotonic()
        latest: dict[str, Heartbeat] = {}
        for each in said:
            beat = heartbeat(each, settings.POSTROOM.environment, now)
            if beat and (
                beat.status or moment - self._beaten.get(beat.instance_id, -BEAT_EVERY) >= BEAT_EVERY
            ):
                latest[beat.instance_id] = beat
        try:
            heartbeats.beat(latest.values())
        except DatabaseError as problem:
            log.warning("the registry was not told of workers", problem=str(problem))
            return
        self._beaten |= dict.fromkeys(latest, moment)
        if len(self._beaten) > 10_000:
            self._beaten.clear()
