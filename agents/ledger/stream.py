"""`postroom.events` of one broker as a way in."""

from __future__ import annotations

from collections.abc import Sequence

from core.brokers import api as brokers
from core.brokers.api import BrokerUrl, Delivery

NAME, FIELD = "postroom.events", "e"
AT_ONCE = 1_000
PATIENCE_S = 1.0


class LifecycleEvents:
    """The stream, opened."""

    def __init__(self, broker: BrokerUrl) -> None:
        self._stream = brokers.stream(broker, NAME, field=FIELD)
        self._held: Sequence[Delivery] = ()

    def read(self) -> Sequence[bytes]:
        self._held = self._stream.read(AT_ONCE, PATIENCE_S)
        return [each.body for each in self._held]

    def done(self) -> None:
        self._stream.done(self._held)

    def close(self) -> None:
        self._stream.close()
