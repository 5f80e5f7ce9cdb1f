"""What is kept of what a sender says: refused, cut and marked, flagged, or as it is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.intake import sanitize
from agents.intake.limits import MAX_ATTRIBUTES, MAX_EVENTS, MAX_LINKS, MAX_NAME, MAX_VALUE
from agents.intake.values import RawEvent, RawLink, RawLog, RawSpan, Refused
from agents.spans.values import Flag, decode, encode

NOW = 1_763_600_000 * 1_000_000_000
DAY = sanitize.DAY
GOOD = RawSpan(b"t" * 16, b"s" * 8, b"", "work", 1, NOW - 5, NOW, {"a": 1}, b'{"a":1}')
LOG = RawLog(b"t" * 16, b"s" * 8, NOW, NOW, 9, "INFO", "took an order", {}, b"")


def kept(**fields: Any) -> RawSpan:
    if "attributes" in fields:
        fields["encoded"] = encode(fields["attributes"])
    found = sanitize.span(replace(GOOD, **fields), NOW)
    assert isinstance(found, RawSpan)
    assert (decode(found.encoded) if found.encoded else {}) == found.attributes
    return found


def test_a_good_span_is_returned_as_it_is() -> None:
    assert sanitize.span(GOOD, NOW) is GOOD


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"trace_id": b""}, "trace id"),
        ({"trace_id": bytes(16)}, "trace id"),
        ({"trace_id": b"t" * 15}, "trace id"),
        ({"span_id": bytes(8)}, "span id"),
        ({"span_id": b"s" * 9}, "span id"),
        ({"parent_span_id": b"p"}, "parent span id"),
        ({"start": NOW + 1}, "ends before"),
        ({"end": 0}, "ends before"),
    ],
)
def test_a_span_that_cannot_be_kept__refused(fields: dict[str, Any], why: str) -> None:
    found = sanitize.span(replace(GOOD, **fields), NOW)
    assert isinstance(found, Refused)
    assert why in found.why


def test_a_parent_of_zeros_is_no_parent() -> None:
    assert kept(parent_span_id=bytes(8)).parent_span_id == b""


@pytest.mark.parametrize(("field", "given"), [("kind", 99), ("kind", -1), ("status", 7)])
def test_an_unknown_number_counts_as_unset(field: str, given: int) -> None:
    assert getattr(kept(**{field: given}), field) == 0


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 5), (NOW - 32 * DAY, NOW), (NOW, NOW + 2 * DAY), ((1 << 64) - 2, (1 << 64) - 1)],
)
def test_an_absurd_clock_is_kept_and_flagged(start: int, end: int) -> None:
    found = kept(start=start, end=end)
    assert found.flags & Flag.CLOCK_ABSURD
    assert found.end <= sanitize.MAX_TIME


@pytest.mark.parametrize(("start", "end"), [(NOW, NOW), (NOW - 30 * DAY, NOW), (NOW, NOW + DAY)])
def test_a_believable_clock_is_not_flagged(start: int, end: int) -> None:
    assert not kept(start=start, end=end).flags


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * (MAX_VALUE + 1), "x" * (MAX_VALUE - 1) + "…"),
        (["x" * MAX_VALUE], '["' + "x" * (MAX_VALUE - 3) + "…"),
    ],
)
def test_an_oversized_attribute_is_cut_and_marked(value: object, shown: str) -> None:
    found = kept(attributes={"small": 1, "large": value})
    assert found.attributes == {"small": 1, "large": shown, "postroom.cut": ["large"]}
    assert found.flags & Flag.ATTRIBUTES_CUT


def test_attributes_that_are_large_only_together_are_kept_whole() -> None:
    pairs = {str(number): "x" * 1000 for number in range(200)}
    assert kept(attributes=pairs).attributes == pairs


def test_too_many_attributes_are_cut_and_marked() -> None:
    found = kept(attributes={str(number): number for number in range(MAX_ATTRIBUTES + 5)})
    assert len(found.attributes) == MAX_ATTRIBUTES + 1
    assert found.attributes["postroom.cut"] == [str(MAX_ATTRIBUTES + number) for number in range(5)]


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"name": "n" * (MAX_NAME + 1)}, "name"),
        ({"status_message": "m" * (MAX_VALUE + 1)}, "status.message"),
        ({"trace_state": "t" * (MAX_NAME + 1)}, "trace_state"),
        ({"events": (RawEvent(1, "e", {}),) * (MAX_EVENTS + 1)}, "events"),
        ({"events": (RawEvent(1 << 63, "e", {}),)}, "events"),
        ({"links": (RawLink(b"t" * 16, b"s" * 8, {}),) * (MAX_LINKS + 1)}, "links"),
        ({"links": (RawLink(bytes(16), b"s" * 8, {}),)}, "links"),
    ],
)
def test_other_oversized_parts_are_cut_and_marked(fields: dict[str, Any], mark: str) -> None:
    found = kept(**fields)
    assert found.attributes["postroom.cut"] == [mark]
    assert len(found.events) <= MAX_EVENTS
    assert len(found.links) <= MAX_LINKS
    assert len(found.name) <= MAX_NAME


def test_a_link_to_somewhere_is_kept() -> None:
    link = RawLink(b"t" * 16, b"s" * 8, {"why": "retry"})
    assert kept(links=(link,)).links == (link,)


def test_a_log_record_without_a_time_takes_the_observed_one_and_says_so() -> None:
    found = sanitize.log(replace(LOG, time=0, observed=NOW - 7), NOW)
    assert isinstance(found, RawLog)
    assert (found.time, found.flags) == (NOW - 7, Flag.TIME_GIVEN)


def test_a_log_record_of_no_span__accepted() -> None:
    found = sanitize.log(replace(LOG, trace_id=b"", span_id=bytes(8)), NOW)
    assert isinstance(found, RawLog)
    assert (found.trace_id, found.span_id) == (b"", b"")


@pytest.mark.parametrize("fields", [{"trace_id": b"t"}, {"span_id": b"s" * 9}])
def test_a_log_record_with_half_an_id__refused(fields: dict[str, Any]) -> None:
    assert isinstance(sanitize.log(replace(LOG, **fields), NOW), Refused)


def test_an_oversized_log_body_is_cut_and_marked() -> None:
    found = sanitize.log(replace(LOG, body="x" * (MAX_VALUE + 1)), NOW)
    assert isinstance(found, RawLog)
    assert found.body == "x" * (MAX_VALUE - 1) + "…"
    assert found.attributes == {"postroom.cut": ["body"]}
