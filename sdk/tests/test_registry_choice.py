"""Whom to ask, and whom next."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.registry import choice
from postroom.registry.client import AgentRegistry, NobodyFoundError
from postroom.registry.values import Found, Offer, offer

SHARES = st.lists(st.floats(0, 1), max_size=6)


def offers(*shares: float) -> list[Offer]:
    return [Offer("extract", f"{number}.0", share=share) for number, share in enumerate(shares)]


@given(SHARES, st.sets(st.integers(0, 5)), st.randoms(use_true_random=False))
def test_everybody_once_and_who_failed_last(
    shares: list[float], ill: set[int], chance: random.Random
) -> None:
    found = offers(*shares)
    failing = {found[number].key for number in ill if number < len(found)}
    ordered = choice.order(found, failing, chance.random)
    assert sorted(each.version for each in ordered) == sorted(each.version for each in found)
    states = [each.key in failing for each in ordered]
    assert states == sorted(states)


def test_a_version_is_first_as_often_as_its_share_says() -> None:
    chance = random.Random(7)  # noqa: S311 - chance, not a secret
    first = Counter(choice.order(offers(0.9, 0.1, 0.0), (), chance.random)[0].version for _ in range(5_000))
    assert abs(first["1.0"] / 5_000 - 0.1) < 0.02
    assert "2.0" not in first


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AgentRegistry:
    monkeypatch.setenv("POSTROOM_AGENT_DIR", str(tmp_path))
    return AgentRegistry("http://127.0.0.1:9", chance=lambda: 0.0)


def test_a_call_goes_to_the_next_and_comes_back_to_the_one_that_failed_last(registry: AgentRegistry) -> None:
    found = Found(tuple(offers(0.5, 0.5)))
    asked: list[str] = []

    def call(each: Offer) -> str:
        asked.append(each.version)
        if each.version == "0.0":
            raise ConnectionError("gone")
        return each.version

    assert registry.call(found, call) == "1.0"
    assert registry.call(found, call) == "1.0"
    assert asked == ["0.0", "1.0", "1.0"]


def test_an_error_that_is_the_callers_own_is_tried_nowhere_else(registry: AgentRegistry) -> None:
    def call(each: Offer) -> str:
        raise ValueError(each.version)

    with pytest.raises(ValueError, match=r"0\.0"):
        registry.call(Found(tuple(offers(1.0, 1.0))), call, errors=(ConnectionError,))


def test_when_all_fail_the_last_error_is_told_and_nobody_is_an_error_too(registry: AgentRegistry) -> None:
    def call(each: Offer) -> str:
        raise ConnectionError(each.version)

    with pytest.raises(ConnectionError, match=r"1\.0"):
        registry.call(Found(tuple(offers(0.5, 0.5))), call)
    with pytest.raises(NobodyFoundError):
        registry.call(Found(), call)


def test_what_an_answer_leaves_out_is_empty() -> None:
    assert offer({"agent_id": "a", "latency": None}) == Offer("a")
    assert offer({"agent_id": "a", "latency": {"p95_ms": 3.5}}).p95_ms == 3.5
