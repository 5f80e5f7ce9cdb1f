"""Autocomplete offers names, and values that occur and that the asker may see."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agents.spans.api import Batch, Query, SpanStore
from agents.spans.autocomplete import suggest
from core import clock
from tests.support.telemetry import HOUR, SECOND, Maker

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MOMENT = int(NOON.timestamp()) * SECOND


@pytest.fixture
def filled(store: SpanStore) -> SpanStore:
    spans = [
        span._replace(workflow="two words") if span.agent == "pay" else span
        for span in Maker().spans(600, MOMENT - HOUR, MOMENT)
    ]
    with clock.held(NOON):
        store.write(Batch(tuple(spans)))
    return store


def offered(store: SpanStore, text: str) -> list[str]:
    return [suggestion.text for suggestion in suggest(store, text, len(text), Query())]


def test_names_begin_as_was_written(filled: SpanStore) -> None:
    assert offered(filled, "agent:pay st") == ["status:", "step:"]
    assert "since:" in offered(filled, "")


def test_values_occur_and_the_frequent_come_first(filled: SpanStore) -> None:
    counted = [value for value, _ in filled.facets(Query(), ["agent"]).counts["agent"]]
    assert offered(filled, "agent:") == [f"agent:{value}" for value in counted]
    assert offered(filled, "agent:pa") == ["agent:pay"]
    assert offered(filled, "workflow:tw") == ['workflow:"two words"']


def test_choices_are_offered_by_name(filled: SpanStore) -> None:
    assert offered(filled, "status:e") == ["status:error"]


def test_nothing_is_offered_for_what_is_unknown(filled: SpanStore) -> None:
    assert offered(filled, "colour:r") == offered(filled, "trace:a") == []


def test_values_out_of_reach_are_not_offered(filled: SpanStore) -> None:
    found = suggest(filled, "agent:", 6, Query(), reach=lambda place: place.agent == "pay")
    assert [suggestion.text for suggestion in found] == ["agent:pay"]
