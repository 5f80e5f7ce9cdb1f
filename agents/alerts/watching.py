"""The watcher's part of alerts: all rules are looked at every few seconds."""

from __future__ import annotations

from datetime import timedelta

from agents.alerts.measures import offer_all
from agents.alerts.services.watching import Looker
from core import clock, metrics, watch
from core.watch import Turn

EVERY = timedelta(seconds=5)


class Looking:
    """Looks for as long as its watcher leads. A new leader begins without memory: what counts is in the rows."""

    def __init__(self) -> None:
        self._looker, self._token = Looker(), 0

    def look(self, turn: Turn) -> None:
        if turn.token != self._token:
            self._looker, self._token = Looker(), turn.token
        began = clock.monotonic()
        self._looker.look(clock.now(), wanted=lambda: turn.wanted)
        metrics.ALERT_LOOK_SECONDS.observe(clock.monotonic() - began)


offer_all()
watch.register("alerts", EVERY, Looking().look)
