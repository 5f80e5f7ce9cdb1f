"""What tokens came to, as pages show it: an amount by currency, or which price is missing and who can enter it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.prices.values import Book, Cost, Use, by_model


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used of one model, and what it came to."""

    model: str
    provider: str
    calls: int
    input: int
    output: int
    cached: int
    cost: Cost


def spent(uses: Iterable[Use], book: Book) -> list[Spent]:
    """By model, the most tokens first."""
    return [_spent(*key, each, book) for key, each in by_model(uses).items()]


def whole(rows: Iterable[Spent]) -> Cost:
    """All of it together."""
    found = Cost()
    for row in rows:
        found.add(row.cost)
    return found


def _spent(model: str, provider: str, uses: list[Use], book: Book) -> Spent:
    return Spent(
        model,
        provider,
        sum(use.calls for use in uses),
        sum(use.input for use in uses),
        sum(use.output for use in uses),
        sum(use.cached for use in uses),
        book.cost(uses),
    )
