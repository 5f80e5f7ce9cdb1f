"""Whom to ask, and whom next when that fails. Pure: chance is handed in."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TypeVar

from postroom.registry.values import Offer

T = TypeVar("T")


def order(
    offers: Sequence[Offer], failing: Container[tuple[str, str, str]], chance: Callable[[], float]
) -> list[Offer]:
    """Everybody once: drawn by share, then those that get no traffic as they stand; who failed lately comes last.

    A version is first as often as its share says, so that clients together follow the weights set in Postroom.
    """
    well = [offer for offer in offers if offer.key not in failing]
    ill = [offer for offer in offers if offer.key in failing]
    return [*_drawn(well, chance), *_drawn(ill, chance)]


def _drawn(offers: Sequence[Offer], chance: Callable[[], float]) -> list[Offer]:
    left = [offer for offer in offers if offer.share > 0]
    drawn: list[Offer] = []
    while left:
        drawn.append(left.pop(_place([offer.share for offer in left], chance())))
    return drawn + [offer for offer in offers if offer.share <= 0]


def _place(weights: Sequence[float], chance: float) -> int:
    """Which of the weights a number between 0 and 1 falls on."""
    point = chance * sum(weights)
    for place, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return place
    return len(weights) - 1
