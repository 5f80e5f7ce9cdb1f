"""Rules that look at what a test says is measured, and channels."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from agents.alerts import api
from agents.alerts.models import Alert, Rule
from agents.alerts.services.watching import Looker
from agents.alerts.values import Reading, Readings, Severity, Signal, Spot
from core import clock

QUEUE = Spot("production", "main", "orders.q")


class Measured:
    """What is measured now; time passes when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = clock.now()
        self.looker = Looker()
        self._said: dict[Signal, Readings] = {}
        offered = {signal: self._measure(signal) for signal in Signal}
        monkeypatch.setattr(api, "_measures", offered)
        Rule.objects.all().delete()

    def say(self, value: float | None, spot: Spot = QUEUE, signal: Signal = Signal.QUEUE_DEPTH) -> Measured:
        """This spot has this value from now on, and the signal's others are gone."""
        self._said[signal] = Readings((Reading(spot, value, "the broker is away" if value is None else ""),))
        return self

    def say_all(self, rows: dict[Spot, float | None], signal: Signal = Signal.QUEUE_DEPTH) -> Measured:
        self._said[signal] = Readings(tuple(Reading(spot, value) for spot, value in rows.items()))
        return self

    def miss(self, why: str, signal: Signal = Signal.QUEUE_DEPTH) -> Measured:
        self._said[signal] = Readings(missing=why)
        return self

    def look(self, after_s: float = 5.0) -> int:
        self.now += timedelta(seconds=after_s)
        with clock.held(self.now):
            return self.looker.look(self.now)

    def _measure(self, signal: Signal) -> api.Measure:
        def measure(now: datetime, window: timedelta) -> Readings:
            return self._said.get(signal, Readings())

        return measure


def rule(name: str = "deep", **facts: Any) -> Rule:
    usual = {
        "title": "many wait",
        "signal": Signal.QUEUE_DEPTH,
        "threshold": 10,
        "severity": Severity.WARNING,
        "rest_s": 0,
    }
    return Rule.objects.create(name=name, **usual | facts)


def states() -> list[str]:
    return [str(alert.state) for alert in Alert.objects.order_by("pk")]
