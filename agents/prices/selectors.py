"""The price book, as it is now."""

from __future__ import annotations

from agents.prices.models import ModelPrice
from agents.prices.values import Book, Price


def book() -> Book:
    """All prices; an empty book when nobody entered one."""
    return Book(price_of(row) for row in ModelPrice.objects.all())


def price_of(row: ModelPrice) -> Price:
    return Price(row.model, row.provider, row.input, row.output, row.cached, row.currency, row.valid_from)
