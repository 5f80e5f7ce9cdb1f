"""A rate: each burst at its moment, and whoever is late loses what was missed and nothing else."""

from __future__ import annotations

import pytest

from agents.operations.services import pace


class Clock:
    """Time goes on when somebody waits for it."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(pace, "time", found)
    return found


def sent(time: Clock, number: int, stall: float = 0.0) -> list[tuple[float, int]]:
    """When each burst of so many went, at 100 a second; the first one takes so long to send."""
    ends, found = [0.0], []

    def take(slots: int) -> float:
        starts = max(ends[0], time.now)
        ends[0] = starts + slots / 100
        return starts - time.now

    for burst in pace.bursts(range(number), 100, take):
        found.append((round(time.now, 3), len(burst)))
        time.now += 0 if len(found) > 1 else stall
    return found


def test_in_time__each_burst_at_its_moment(time: Clock) -> None:
    assert sent(time, 100) == [(round(place * 0.02, 3), 2) for place in range(50)]


def test_late__what_was_missed_is_lost_and_the_rest_goes_on(time: Clock) -> None:
    found = sent(time, 100, stall=0.2)
    assert sum(number for _, number in found) == 100
    assert found[:3] == [(0.0, 2), (0.2, 2), (0.22, 2)]
    assert found[-1][0] <= 1.2
