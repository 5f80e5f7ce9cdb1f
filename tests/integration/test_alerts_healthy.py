"""The rules of a first start on a healthy but bursty system: nothing fires, and nothing is pending for long."""

from __future__ import annotations

import math
import random

import pytest

from agents.alerts import built_in_rules
from agents.alerts.models import Alert, AlertChange
from agents.alerts.values import Signal, Spot
from tests.support.alerts import Measured

pytestmark = pytest.mark.django_db
SECONDS, EVERY = 900, 5
MEDIAN, BURST_S, CONSUMED = 12.0, 60, 30.0
QUEUES = [Spot("production", "main", f"q{at}") for at in range(6)]


class Traffic:
    """Senders with bursts of twenty times the median for a minute, and a consumer that keeps up over time. A tenth of
    the steps is slow."""

    def __init__(self, seed: int) -> None:
        self.dice, self.depth, self.oldest, self.burst_until = random.Random(seed), 0.0, 0.0, 0

    def step(self, at: int) -> tuple[float, float, float]:
        """Depth, age of the oldest, and growth, after so many seconds."""
        if at % 240 == 60:
            self.burst_until = at + BURST_S
        rate = MEDIAN * (20 if at < self.burst_until else 1) * self.dice.uniform(0.7, 1.3)
        slow = 0.3 if self.dice.random() < 0.1 else 1.0
        before = self.depth
        self.depth = max(0.0, before + (rate - CONSUMED * 5 * slow) * EVERY)
        self.oldest = self.oldest + EVERY if self.depth > before else max(0.0, self.depth / (CONSUMED * 5))
        return math.floor(self.depth), self.oldest, (self.depth - before) / EVERY


def test_bursts__nothing_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured(monkeypatch)
    built_in_rules.install()
    traffic = {spot: Traffic(seed) for seed, spot in enumerate(QUEUES)}
    highest = 0.0
    for at in range(0, SECONDS, EVERY):
        found = {spot: each.step(at) for spot, each in traffic.items()}
        highest = max(highest, *(depth for depth, _, _ in found.values()))
        for place, signal in enumerate((Signal.QUEUE_DEPTH, Signal.QUEUE_AGE, Signal.QUEUE_GROWTH)):
            measured.say_all({spot: values[place] for spot, values in found.items()}, signal)
        measured.say_all({Spot("production", agent="a"): 0.02}, Signal.ERROR_RATIO)
        measured.look(EVERY)
    assert highest > 1_000, "there were bursts"
    assert not AlertChange.objects.filter(after="firing").exists(), list(
        Alert.objects.values("title", "state")
    )
