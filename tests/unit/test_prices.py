"""A use is priced by its day, by the most exact price that fits; what has no price is said and not guessed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from agents.prices.values import Book, Cost, Price, Use, said
from agents.spans.values import encode
from agents.topology.usage import Tokens, tokens_of
from tests.support.traces import span

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def price(model: str, input: str, *, provider: str = "", since: date = JUNE, cached: str = "") -> Price:
    return Price(
        model, provider, Decimal(input), Decimal(10), Decimal(cached) if cached else None, "USD", since
    )


def use(model: str = "large-2", day: date = JULY, provider: str = "acme", **tokens: int) -> Use:
    return Use(model, provider, day, **{"input": 1_000_000, "output": 0, **tokens})


def amount(book: Book, asked: Use) -> Decimal | None:
    return book.cost([asked]).amounts.get("USD")


def test_the_price_of_the_day_counts() -> None:
    book = Book([price("large-2", "3"), price("large-2", "2", since=JULY)])
    assert amount(book, use(day=date(2026, 6, 30))) == 3
    assert amount(book, use(day=JULY)) == 2


def test_before_the_first_price_nothing_is_known() -> None:
    cost = Book([price("large-2", "3")]).cost([use(day=date(2026, 5, 31))])
    assert (cost.amounts, cost.unpriced) == ({}, {"large-2": 1_000_000})


def test_the_most_exact_price_counts() -> None:
    book = Book(
        [price("*", "1"), price("large-*", "2"), price("large-2", "3"), price("*", "4", provider="other")]
    )
    assert amount(book, use()) == 3
    assert amount(book, use("large-9")) == 2
    assert amount(book, use("small")) == 1
    assert amount(book, use(provider="other")) == 4


def test_cached_tokens_are_a_part_of_the_input() -> None:
    asked = use(cached=400_000, output=100_000)
    assert amount(Book([price("large-2", "2", cached="0.5")]), asked) == Decimal("1.2") + Decimal("0.2") + 1
    assert amount(Book([price("large-2", "2")]), asked) == 3


def test_currencies_stay_apart() -> None:
    euro = Price("small", "", Decimal(1), Decimal(1), None, "EUR", JUNE)
    cost = Book([price("large-2", "3"), euro]).cost([use(), use("small"), use("nobody's")])
    assert cost.as_data() == {
        "amounts": [{"currency": "EUR", "amount": "1"}, {"currency": "USD", "amount": "3"}],
        "no_price_for": ["nobody's"],
    }


@pytest.mark.parametrize(("value", "text"), [("1234.5", "1,234.50"), ("0.000123", "0.00012"), ("0", "0.00")])
def test_amounts_as_people_read_them(value: str, text: str) -> None:
    assert list(said(Cost({"USD": Decimal(value)}))) == [f"{text} USD"]


def test_cached_tokens_are_read_from_either_name_and_are_no_more_than_the_input() -> None:
    def tokens(**attributes: object) -> Tokens:
        given = {name.replace("__", "."): value for name, value in attributes.items()}
        return tokens_of(span("a", 1, model="m", input_tokens=10, output_tokens=2, attributes=encode(given)))

    assert tokens(gen_ai__usage__cache_read__input_tokens=4) == Tokens(10, 2, 4)
    assert tokens(gen_ai__usage__cache_read_input_tokens=99) == Tokens(10, 2, 10)
    assert tokens(gen_ai__usage__cache_read__input_tokens="many") == Tokens(10, 2, 0)
    assert tokens(other="cache_read") == Tokens(10, 2, 0)
