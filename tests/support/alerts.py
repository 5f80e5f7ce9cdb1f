"""Rules that look at what a test says is measured, and channels."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta
from typing import Any

import pytest

from agents.alerts import api
from agents.alerts.models import Alert, Channel, Rule
from agents.alerts.services import channels
from agents.alerts.services.channels import Made
from agents.alerts.services.watching import Looker
from agents.alerts.values import ChannelKind, Reading, Readings, Severity, Signal, Spot
from core import clock
from core.access.grants import subject_of
from core.access.models import User
from core.access.services import Actor
from tests.support.accounts import person

QUEUE = Spot("production", "main", "orders.q")


class Measured:
    """What is measured now; time passes when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # A while ago, so that what becomes due by what happens here is due now.
        self.now = clock.now() - timedelta(minutes=10)
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


def admin() -> Actor:
    """Who may manage alerts everywhere."""
    found = User.objects.filter(username="alerts admin").first() or person("alerts admin", "admin")
    return Actor(subject_of(found))


def webhook(address: str, name: str = "on call", **facts: Any) -> Made:
    return channels.create(Channel(name=name, kind=ChannelKind.WEBHOOK, **facts), address, admin())


def service(address: str, name: str = "chat", **facts: Any) -> Made:
    return channels.create(Channel(name=name, kind=ChannelKind.APPRISE, **facts), address, admin())


def verified(key: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver would: with its own reading of the convention, and not with our code."""
    secret = base64.b64decode(key.split("_", 1)[1])
    text = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    wanted = base64.b64encode(hmac.digest(secret, text, "sha256")).decode()
    return headers["webhook-signature"] == f"v1,{wanted}"
