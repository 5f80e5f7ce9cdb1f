"""A price, the book of all of them, and what token use costs by it. Pure.

A use is priced by its day: of the prices that fit model and provider and are valid by then, the most exact one
counts, and of these the latest. Amounts stay apart by currency: nobody converts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost from a day on. `model` is a pattern; without a provider it is any."""

    model: str
    provider: str
    input: Decimal
    output: Decimal
    cached: Decimal | None
    currency: str
    valid_from: date

    def fits(self, use: Use) -> bool:
        same = not self.provider or self.provider == use.provider
        return same and self.valid_from <= use.day and fnmatchcase(use.model, self.model)

    @property
    def rank(self) -> tuple[bool, bool, int, date]:
        """The more exact, then the later price is the larger one."""
        return bool(self.provider), "*" not in self.model, len(self.model), self.valid_from

    def of(self, use: Use) -> Decimal:
        cached = self.input if self.cached is None else self.cached
        plain = use.input - use.cached
        return (plain * self.input + use.cached * cached + use.output * self.output) / MILLION


class Use(NamedTuple):
    """Tokens that a model read and wrote on a day; `cached` is a part of `input`."""

    model: str
    provider: str
    day: date
    input: int
    output: int
    cached: int = 0
    calls: int = 0


@dataclass(slots=True)
class Cost:
    """What something came to: amounts by currency, and the models for which there is no price."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    unpriced: dict[str, int] = field(default_factory=dict)

    def add(self, other: Cost) -> None:
        for currency, amount in other.amounts.items():
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + amount
        for model, tokens in other.unpriced.items():
            self.unpriced[model] = self.unpriced.get(model, 0) + tokens

    @property
    def is_known(self) -> bool:
        """Is there a price for everything?"""
        return not self.unpriced

    def as_data(self) -> dict[str, object]:
        """For programs: amounts as text, since they are exact."""
        amounts = [
            {"currency": each, "amount": plain(amount)} for each, amount in sorted(self.amounts.items())
        ]
        return {"amounts": amounts, "no_price_for": sorted(self.unpriced)}


class Book:
    """All prices."""

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self._prices = sorted(prices, key=lambda price: price.rank, reverse=True)
        # A page asks for the same few models again and again.
        self._find = lru_cache(maxsize=2_000)(self._look)

    @property
    def is_empty(self) -> bool:
        return not self._prices

    def price(self, use: Use) -> Price | None:
        """The price of this use; None when nobody entered one."""
        return self._find(use.model, use.provider, use.day)

    def cost(self, uses: Iterable[Use]) -> Cost:
        whole = Cost()
        for use in uses:
            whole.add(self._one(use))
        return whole

    def _one(self, use: Use) -> Cost:
        price = self.price(use)
        if price:
            return Cost({price.currency: price.of(use)})
        return Cost({}, {use.model: use.input + use.output}) if use.input or use.output else Cost()

    def _look(self, model: str, provider: str, day: date) -> Price | None:
        asked = Use(model, provider, day, 0, 0)
        return next((price for price in self._prices if price.fits(asked)), None)


def by_model(uses: Iterable[Use]) -> Mapping[tuple[str, str], list[Use]]:
    """Uses by model and provider, the most tokens first."""
    found: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        found.setdefault((use.model, use.provider), []).append(use)
    tokens = {key: sum(use.input + use.output for use in each) for key, each in found.items()}
    return {key: found[key] for key in sorted(found, key=lambda key: -tokens[key])}


def day_of(nanoseconds: int) -> date:
    """The day of a moment, in UTC."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).date()


def plain(amount: Decimal) -> str:
    """An amount without an exponent and without noughts at its end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def said(cost: Cost) -> Iterator[str]:
    """Amounts as people read them: `1.24 EUR`; small ones to two digits that say something."""
    for currency, amount in sorted(cost.amounts.items()):
        yield f"{_rounded(amount)} {currency}"


def _rounded(amount: Decimal) -> str:
    if amount == 0 or abs(amount) >= 1:
        return f"{amount:,.2f}"
    return plain(Decimal(f"{amount:.2g}"))
