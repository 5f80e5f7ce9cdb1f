"""Says when intake cannot commit: a line in the log, a metric, and a state that other processes read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import structlog

from core import clock, live_redis, metrics, processes

log = structlog.get_logger(__name__)
TABLE = "postroom:intake:trouble"
# A process that died in trouble must not be in trouble for ever.
BELIEVED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps an intake process from committing, since when, and when it was last seen to be so."""

    name: str
    sentence: str
    since: float
    at: float


class Alarm:
    """This process's trouble. Raised and cleared by the thread that commits, told to others by `tell`."""

    def __init__(self, name: str = "") -> None:
        self._name = name or processes.default_name()
        self._trouble: Trouble | None = None
        self._told = False

    @property
    def trouble(self) -> Trouble | None:
        return self._trouble

    def raise_(self, sentence: str) -> None:
        now = clock.unix()
        if self._trouble is None:
            log.error("intake cannot commit; senders are told to come again", reason=sentence)
            metrics.INTAKE_TROUBLE.inc()
        since = self._trouble.since if self._trouble else now
        self._trouble = Trouble(self._name, sentence, since, now)

    def clear(self) -> None:
        if self._trouble is None:
            return
        log.info("intake commits again", after_s=round(clock.unix() - self._trouble.since, 1))
        self._trouble = None
        metrics.INTAKE_TROUBLE.dec()

    def tell(self) -> None:
        """Put the state where other processes find it. Raises live_redis.Unreachable."""
        trouble = self._trouble
        if trouble:
            # Until the next commit proves otherwise, it is so still.
            now = replace(trouble, at=clock.unix())
            live_redis.client().hset(TABLE, self._name, json.dumps(asdict(now)))
        elif self._told:
            live_redis.client().hdel(TABLE, self._name)
        self._told = trouble is not None
