"""Capture: read from a broker, commit custody, and only then tell the broker that it may forget."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

import structlog
from django.db import DatabaseError

from agents.deadletters import wire
from agents.deadletters.services import keeping
from agents.deadletters.values import Arrival, Origin
from agents.deadletters.wire import MalformedError
from core import metrics
from core.brokers.api import BrokerUrl, Delivery, Stream, stream
from core.database_errors import AWAY

log = structlog.get_logger(__name__)

LETTERS, FIELD = "postroom.letters", "l"
# A letter may be more than a megabyte, and all of a batch are in memory at once.
BATCH = 50


# How a delivery becomes an arrival: a letter of ours, or a message off a queue of dead ones.
Reads = Callable[[Delivery, Origin], Arrival]


class Capture:
    """Empties one queue of letters. For one thread; BrokerError and AWAY mean that nothing was taken off the broker."""

    def __init__(
        self,
        broker: BrokerUrl,
        source: str = LETTERS,
        *,
        read: Reads = wire.of_delivery,
        declare: bool = True,
    ) -> None:
        self.broker, self.source = broker, source
        self._read = read
        self._stream: Stream = stream(broker, source, field=FIELD, declare=declare)
        self._session = uuid.uuid4().hex
        # Whether the broker may still hand over again what an earlier connection left.
        self._behind = True

    def step(self, wait: float) -> int:
        """One batch; returns how many deliveries it settled. 0: there was none within `wait` seconds."""
        found = self._stream.read(BATCH, wait)
        origin = Origin(self.broker.name, self.source, self._session)
        kept = _kept(found, origin, self._read) if found else []
        if self._behind and not (found and all(each.redelivered for each in found)):
            self._behind = False
            keeping.caught_up(origin)
        self._stream.done(found)
        keeping.acknowledged(self._session, kept)
        return len(found)

    def doubt(self) -> None:
        """A commit failed, and may have come through all the same: what comes again is compared with that as well."""
        self._session = uuid.uuid4().hex
        self._behind = True

    def close(self) -> None:
        """What was not acknowledged comes again, through another connection."""
        self._stream.close()
        self.doubt()


def _kept(found: Sequence[Delivery], origin: Origin, read: Reads = wire.of_delivery) -> list[Arrival]:
    arrivals = [read(each, origin) for each in found]
    try:
        keeping.keep(arrivals)
    except AWAY:
        raise
    except (DatabaseError, ValueError, keeping.OtherEnvironmentError):
        # One of them is more than the tables take. The others must not wait for it.
        arrivals = [
            _alone(delivery, arrival, origin) for delivery, arrival in zip(found, arrivals, strict=True)
        ]
    _count(arrivals, origin)
    return arrivals


def _alone(delivery: Delivery, arrival: Arrival, origin: Origin) -> Arrival:
    try:
        keeping.keep([arrival])
    except AWAY:
        raise
    except (DatabaseError, ValueError, keeping.OtherEnvironmentError) as problem:
        log.warning("a letter is kept as it came", broker=origin.broker, problem=str(problem))
        arrival = wire.malformed(
            delivery, origin, MalformedError("", f"it cannot be kept as a letter ({problem})")
        )
        keeping.keep([arrival])
    return arrival


def _count(arrivals: Sequence[Arrival], origin: Origin) -> None:
    wrong = sum(each.failure.type == wire.MALFORMED for each in arrivals)
    metrics.LETTERS_CAPTURED.labels(origin.broker).inc(len(arrivals))
    if wrong:
        metrics.LETTERS_MALFORMED.labels(origin.broker).inc(wrong)
        log.warning(
            "what is no letter was kept as one", broker=origin.broker, source=origin.source, number=wrong
        )
