"""What intake reads, in protobuf and in JSON: the same values out of both, and a bad item costs only itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.intake import decode_json, decode_protobuf, wire
from agents.intake.limits import MAX_DEPTH, MAX_ITEMS
from agents.intake.refusals import TooManyError, UnreadableError
from agents.intake.values import RawSpan, Refused
from tests.support import otlp

VALUES = {
    "text": "größer",
    "whole": -(1 << 63),
    "part": 0.5,
    "yes": True,
    "list": ["a", 1, [2.5]],
    "map": {"inner": {"deep": False}},
    "nothing": None,
    "long": "x" * 5000,
}


def one_json_span(**fields: Any) -> bytes:
    good = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [good | fields]}]}]}).encode()


def read_json_span(**fields: Any) -> Any:
    ((item,),) = (group.items for group in decode_json.traces(one_json_span(**fields)))
    return item


def test_protobuf_and_json_say_the_same() -> None:
    request = otlp.traces(
        [
            otlp.span(attributes=VALUES, parent_span_id=b"parent-1", trace_state="a=b"),
            otlp.span(
                status={"code": 2, "message": "refused"},
                events=[
                    {"name": "exception", "time_unix_nano": 7, "attributes": otlp.attributes({"k": "v"})}
                ],
                links=[{"trace_id": b"t" * 16, "span_id": b"s" * 8}],
            ),
        ]
    )
    assert decode_protobuf.traces(request.SerializeToString()) == decode_json.traces(otlp.as_json(request))


def test_logs_say_the_same_in_both() -> None:
    request = otlp.logs([otlp.log(body={"order": 7}, trace_id=b"t" * 16), otlp.log(attributes=VALUES)])
    assert decode_protobuf.logs(request.SerializeToString()) == decode_json.logs(otlp.as_json(request))


def test_every_kind_of_attribute_is_kept() -> None:
    (group,) = decode_protobuf.traces(otlp.traces([otlp.span(attributes=VALUES)]).SerializeToString())
    assert group.items[0].attributes == VALUES  # type: ignore[union-attr]


def test_metric_points_are_counted_in_both() -> None:
    request = otlp.metrics(7)
    assert decode_protobuf.count_metric_points(request.SerializeToString()) == 7
    assert decode_json.count_metric_points(otlp.as_json(request)) == 7


@pytest.mark.parametrize("read", [decode_protobuf.traces, decode_protobuf.logs])
def test_an_empty_protobuf_request__accepted(read: Any) -> None:
    assert read(b"") == ()


@pytest.mark.parametrize("body", [b"{}", b'{"resourceSpans":[]}', b'{"resourceSpans":null}'])
def test_an_empty_json_request__accepted(body: bytes) -> None:
    assert decode_json.traces(body) == ()


@pytest.mark.parametrize("body", [b"\xff\xff", b"\x0a\x7f", b"{}"])
def test_bytes_that_are_no_protobuf__refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        decode_protobuf.traces(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"resourceSpans":{}}',
        b'{"resourceSpans":[{"schemaUrl":"","scopeSpans":[{"scope":{"name":"\xff"}}]}]}',
        b"[" * 90_000,
    ],
)
def test_bytes_that_are_no_json_request__refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        decode_json.traces(body)


def test_the_place_of_a_wrong_type_is_named() -> None:
    with pytest.raises(UnreadableError, match=r"resourceSpans\[0\].scopeSpans\[0\].spans\[0\].name"):
        decode_json.traces(one_json_span(name=3))


@pytest.mark.parametrize(
    ("field", "given", "read", "found"),
    [
        (
            "traceId",
            "5B8EFFF798038103D269B633813FC60C",
            "trace_id",
            bytes.fromhex("5b8efff798038103d269b633813fc60c"),
        ),
        ("startTimeUnixNano", 1544712660000000000, "start", 1544712660000000000),
        ("startTimeUnixNano", "1544712660000000000", "start", 1544712660000000000),
        ("startTimeUnixNano", 1.5e18, "start", 1500000000000000000),
        ("startTimeUnixNano", None, "start", 0),
        ("kind", 5, "kind", 5),
        ("kind", "SPAN_KIND_CONSUMER", "kind", 5),
        ("kind", "consumer", "kind", 5),
        ("kind", "4", "kind", 4),
        ("status", {"code": "STATUS_CODE_ERROR"}, "status", 2),
        ("status", {"code": 2, "message": "no"}, "status_message", "no"),
        ("somethingNew", {"deep": [1]}, "name", ""),
        ("name", "a\u0000b", "name", "a�b"),
    ],
)
def test_json_is_read_as_it_is_sent__accepted(field: str, given: object, read: str, found: object) -> None:
    assert getattr(read_json_span(**{field: given}), read) == found


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("traceId", "not hex"),
        ("startTimeUnixNano", "soon"),
        ("startTimeUnixNano", -1),
        ("startTimeUnixNano", 1 << 64),
        ("startTimeUnixNano", 1.5),
        ("kind", "SOMETHING"),
        ("attributes", [{"key": "n", "value": {"intValue": "9" * 30}}]),
        ("attributes", [{"key": "n", "value": {"doubleValue": "many"}}]),
    ],
)
def test_a_json_span_with_one_bad_field_is_refused_alone(field: str, given: object) -> None:
    assert isinstance(read_json_span(**{field: given}), Refused)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"intValue": "-7"}, -7),
        ({"intValue": 7}, 7),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"doubleValue": "-Infinity"}, "-Infinity"),
        ({"doubleValue": 2}, 2.0),
        ({"bytesValue": "aGk="}, "aGk="),
        ({"arrayValue": {"values": [{"boolValue": False}, None]}}, [False, None]),
        ({"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": ""}}]}}, {"a": ""}),
        ({}, None),
    ],
)
def test_json_values__accepted(given: object, found: object) -> None:
    span = read_json_span(attributes=[{"key": "k", "value": given}])
    assert span.attributes == {"k": found}


def test_a_span_whose_text_is_not_utf8_is_refused_alone() -> None:
    good, bad = otlp.span(name="fine"), otlp.span(name="KAPUTT")
    body = otlp.traces([good, bad]).SerializeToString().replace(b"KAPUTT", b"KAP\xff\xfeT")
    (group,) = decode_protobuf.traces(body)
    assert isinstance(group.items[0], RawSpan)
    assert group.items[1] == Refused("its text is not UTF-8")


def test_a_span_with_an_attribute_that_cannot_be_read_is_refused_alone() -> None:
    whole = wire.new("Span", trace_id=b"t" * 16, attributes=[b"\xff\xff"]).SerializeToString()
    fine = wire.new("Span", trace_id=b"t" * 16).SerializeToString()
    (group,) = decode_protobuf.traces(framed([whole, fine]))
    assert [type(item) for item in group.items] == [Refused, RawSpan]


def test_spans_of_an_unreadable_resource_are_refused_with_the_reason() -> None:
    body = otlp.traces([otlp.span(), otlp.span()], {"service.name": "KAPUTT"}).SerializeToString()
    (group,) = decode_protobuf.traces(body.replace(b"KAPUTT", b"KAP\xff\xfeT"))
    assert [item.why for item in group.items] == ["its resource: its text is not UTF-8"] * 2  # type: ignore[union-attr]


def test_a_resource_that_is_remembered_says_the_same_again__and_in_pieces_too() -> None:
    pairs = otlp.attributes({"service.name": "clerk", "service.version": "2"})
    pieces = [bytes((0x0A, pair.ByteSize())) + pair.SerializeToString() for pair in pairs]
    part = b"".join(b"\x0a" + bytes((len(piece),)) + piece for piece in pieces) + b"\x12\x00"
    body = b"\x0a" + bytes((len(part),)) + part
    for _ in range(2):
        (group,) = decode_protobuf.traces(body)
        assert group.resource == {"service.name": "clerk", "service.version": "2"}


def test_a_resource_that_is_no_message_refuses_the_body() -> None:
    with pytest.raises(UnreadableError):
        decode_protobuf.traces(b"\x0a\x06\x0a\x02\x0a\x7f\x12\x00")


def test_nesting_without_end_is_cut() -> None:
    value: Any = "deep"
    for _ in range(MAX_DEPTH * 2):
        value = [value]
    request = otlp.traces([otlp.span(attributes={"k": value})])
    for group in (
        decode_protobuf.traces(request.SerializeToString())[0],
        decode_json.traces(otlp.as_json(request))[0],
    ):
        assert b"(nested too deep)" in group.items[0].encoded  # type: ignore[union-attr]


@pytest.mark.parametrize("read", [decode_protobuf.traces, decode_protobuf.logs])
def test_more_items_than_are_unfolded_at_once__refused(read: Any) -> None:
    with pytest.raises(TooManyError):
        read(framed([b""] * (MAX_ITEMS + 1)))


def test_more_groups_than_are_unfolded_at_once__refused() -> None:
    with pytest.raises(TooManyError):
        decode_protobuf.traces(wire.new("Request", parts=[b""] * (MAX_ITEMS + 1)).SerializeToString())


def test_more_json_objects_than_are_unfolded_at_once__refused() -> None:
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 1_000_000 + b"{}]}]}]}"
    with pytest.raises(TooManyError):
        decode_json.traces(body)


def framed(items: list[bytes]) -> bytes:
    scoped = wire.new("ScopePart", items=items).SerializeToString()
    part = wire.new("ResourcePart", scoped=[scoped]).SerializeToString()
    return bytes(wire.new("Request", parts=[part]).SerializeToString())
