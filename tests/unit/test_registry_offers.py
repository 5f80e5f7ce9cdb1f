"""Whom to ask first: the order, the weights, and what is left out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from agents.registry.offers import Latency, Offer, Probe, Quantile, Wanted, choose, shares
from agents.registry.values import State
from agents.registry.versions import read

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
UP = {State.UP: 1}


def offer(number: int, version: str = "1.0", **more: Any) -> Offer:
    more = {"instances": UP, "capabilities": ("extract",)} | more
    return Offer(UUID(int=number), number, f"agent-{number}", "production", version, NOON, **more)


def latency(p95: float) -> Latency:
    return Latency(p95 / 2, p95, p95 * 2, NOON)


def order(*offers: Offer, **wanted: Any) -> list[int]:
    return [each.version_id for each in choose(offers, Wanted(**wanted))]


def test_healthy_ones_come_first() -> None:
    states = [State.DOWN, State.PAUSED, State.NEW, State.LATE, State.UP]
    assert order(*(offer(n, instances={state: 1}) for n, state in enumerate(states))) == [4, 3, 2, 1, 0]


def test_one_instance_that_is_up_is_enough() -> None:
    assert offer(1, instances={State.DOWN: 9, State.UP: 1}).state is State.UP


def test_a_health_check_that_fails_counts() -> None:
    fails = Probe(False, "500", 3.0, NOON)
    assert order(offer(1, probe=fails), offer(2)) == [2, 1]
    assert offer(3, instances={}, probe=fails).state is State.DOWN
    assert offer(4, instances={}, probe=Probe(True, "200", 3.0, NOON)).state is State.UP


def test_fast_ones_come_before_slow_ones_and_unknown_ones() -> None:
    assert order(offer(1, latency=latency(90)), offer(2), offer(3, latency=latency(10))) == [3, 1, 2]


def test_a_newer_version_comes_before_an_older_one() -> None:
    versions = ["1.9", "main-4f3a", "1.10", "2.0rc1", "2.0"]
    found = choose((offer(n, version) for n, version in enumerate(versions)), Wanted())
    assert [each.version for each in found] == ["2.0", "2.0rc1", "1.10", "1.9", "main-4f3a"]


@pytest.mark.parametrize("closed", [{"drained": True}, {"weight": 0}])
def test_what_is_to_get_no_traffic__left_out(closed: dict[str, Any]) -> None:
    assert order(offer(1, **closed), offer(2)) == [2]
    assert len(order(offer(1, **closed), offer(2), closed_too=True)) == 2


def test_too_slow_ones__left_out__but_not_what_nobody_called() -> None:
    offers = (offer(1, latency=latency(200)), offer(2, latency=latency(50)), offer(3))
    assert order(*offers, max_latency_ms=100) == [2, 3]
    assert order(*offers, max_latency_ms=60, quantile=Quantile.P99) == [3]


def test_capability_version_and_status__each_narrow() -> None:
    offers = (offer(1, "1.9"), offer(2, "2.1", capabilities=()), offer(3, "2.2", instances={State.DOWN: 1}))
    assert order(*offers, capability="extract") == [1, 3]
    assert order(*offers, version=read(">=2.0")) == [2, 3]
    assert order(*offers, status=State.DOWN) == [3]


def test_the_heavier_version_comes_first_without_a_key() -> None:
    assert order(offer(1, weight=10), offer(2, weight=90)) == [2, 1]


def test_keys_follow_the_weights_and_stay_with_their_version() -> None:
    offers = (offer(1, weight=10), offer(2, weight=90))
    first = [order(*offers, key=f"message-{n}")[0] for n in range(2_000)]
    assert Counter(first)[1] / 2_000 == pytest.approx(0.1, abs=0.03)
    assert first == [order(*reversed(offers), key=f"message-{n}")[0] for n in range(2_000)]
    # Moving weight moves keys one way only.
    later = (offer(1, weight=50), offer(2, weight=90))
    moved = [(before, order(*later, key=f"message-{n}")[0]) for n, before in enumerate(first) if before == 1]
    assert {after for _, after in moved} == {1}


def test_shares_are_weights_among_the_healthiest() -> None:
    offers = [
        offer(1, weight=10),
        offer(2, weight=30),
        offer(3, instances={State.DOWN: 1}),
        offer(4, drained=True),
    ]
    assert shares(offers) == {1: 0.25, 2: 0.75, 3: 0.0, 4: 0.0}
    assert shares([]) == {}
