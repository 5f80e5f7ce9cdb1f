"""What AMQP's headers hold and JSON does not survives custody: to JSON, back, and onto the wire."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from amqp.serialization import loads

from core.brokers.amqp_values import plain, table, typed

MOMENT = datetime(2026, 11, 26, 14, 3, 12, tzinfo=UTC)
# What a client of RabbitMQ can write into a table.
VALUES: list[Any] = [
    *("text", "", "näher", b"", b"\x00\xff", True, False, None),
    *(0, -1, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63), 1.5, -0.0, math.inf),
    *(Decimal("1.5"), Decimal("-12"), Decimal("0.001"), MOMENT),
    *([], [1, "a", [b"x"]], {}, {"a": {"b": [MOMENT]}}, {"$time": "not one", "more": 1}),
]


def through_json(value: Any) -> Any:
    return typed(json.loads(json.dumps(plain(value), allow_nan=False)))


def on_the_wire(value: Any) -> Any:
    """As a client reads it; moments there have no zone and are in UTC."""
    written = table({"it": value})
    (found,), end = loads("F", len(written).to_bytes(4, "big") + written, 0)
    assert end == len(written) + 4
    return found["it"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_to_json_and_back__the_same(value: Any) -> None:
    found = through_json(value)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_onto_the_wire__read_as_it_was(value: Any) -> None:
    found = plain(on_the_wire(value))
    assert found == plain(value)


def test_bytes_are_no_text_on_the_wire() -> None:
    assert (table({"a": b"b"})[2:3], table({"a": "b"})[2:3]) == (b"x", b"S")


def test_a_moment_without_a_zone__is_in_utc() -> None:
    assert plain(datetime(2026, 1, 2)) == {"$time": "2026-01-02T00:00:00Z"}  # noqa: DTZ001 - as clients hand it over


@pytest.mark.parametrize("value", [{"$time": "noon"}, {"$bytes": "?"}, {"$decimal": "x"}, {"$time": 5}])
def test_what_only_looks_like_ours__left_as_it_is(value: Any) -> None:
    assert typed(value) == value


@pytest.mark.parametrize(
    "value", [2**63, -(2**70), Decimal("1e300"), Decimal("1.23456789012"), Decimal("NaN")]
)
def test_a_number_that_is_too_long_for_amqp__goes_as_text(value: Any) -> None:
    assert on_the_wire(value) == str(value)


def test_a_name_that_is_no_text__is_made_one() -> None:
    assert plain({b"\xff": 1}) == {"\\xff": 1}


def test_a_moment_after_the_year_9999__read_as_a_number_and_nothing_is_held_up() -> None:
    written = b"\x03farT" + (2**60).to_bytes(8, "big") + b"\x01at\x01"
    (found,), end = loads("F", len(written).to_bytes(4, "big") + written, 0)
    assert (found, end) == ({"far": 2**60, "a": True}, len(written) + 4)
