"""Says since when capture cannot go on, and why: a line in the log, a metric, and a state that other processes read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import structlog

from core import clock, live_redis, metrics

log = structlog.get_logger(__name__)
TABLE = "postroom:capture:trouble"
# A watcher that died in trouble must not be in trouble for ever.
BELIEVED_SECONDS = 60.0


class What(StrEnum):
    """Which end is in trouble. Either way the letters stay on the broker."""

    UNREACHABLE = "unreachable"
    CANNOT_COMMIT = "cannot_commit"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps capture on a broker from going on, since when, and when it was last seen to be so."""

    broker: str
    what: What
    sentence: str
    since: float
    at: float
    # A queue that users have; empty: Postroom's own letters.
    source: str = ""


class Alarm:
    """The trouble of capture from one queue of a broker."""

    def __init__(self, broker: str, source: str = "") -> None:
        self._broker, self._source = broker, source
        self._key = f"{broker}/{source}" if source else broker
        self._trouble: Trouble | None = None
        self._told = False

    @property
    def trouble(self) -> Trouble | None:
        return self._trouble

    def raise_(self, what: What, sentence: str) -> None:
        """It is so now. Since when it was is kept while the same end is in trouble."""
        before, now = self._trouble, clock.unix()
        if before is None or before.what is not what:
            log.error(
                "capture waits; letters stay on the broker", broker=self._key, why=what, reason=sentence
            )
            self._trouble = Trouble(self._broker, what, sentence, now, now, self._source)
            metrics.CAPTURE_TROUBLE.labels(self._key).set(1)
        else:
            self._trouble = replace(before, sentence=sentence, at=now)
        self._tell()

    def clear(self) -> None:
        """It went on. Cheap when nothing was wrong."""
        before, self._trouble = self._trouble, None
        if before:
            log.info("capture goes on", broker=self._key, after_s=round(clock.unix() - before.since, 1))
        if before or self._told:
            metrics.CAPTURE_TROUBLE.labels(self._key).set(0)
            self._tell()

    def _tell(self) -> None:
        """Where other processes find it. Redis away: whoever asks is told that already."""
        try:
            if self._trouble:
                live_redis.client().hset(TABLE, self._key, json.dumps(asdict(self._trouble)))
            else:
                live_redis.client().hdel(TABLE, self._key)
            self._told = self._trouble is not None
        except live_redis.Unreachable:
            self._told = True


def troubles() -> list[Trouble]:
    """Where capture waits now, the longest first. Raises live_redis.Unreachable."""
    rows = [json.loads(row) for row in live_redis.table(live_redis.client(), TABLE).values()]
    found = [Trouble(**row | {"what": What(row["what"])}) for row in rows]
    fresh = [each for each in found if clock.unix() - each.at <= BELIEVED_SECONDS]
    return sorted(fresh, key=lambda each: each.since)
