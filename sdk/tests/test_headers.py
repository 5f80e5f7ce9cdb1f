"""The names on the wire."""

from __future__ import annotations

from postroom import headers


def test_each_header_has_one_name_in_small_letters() -> None:
    declared = {value for name, value in vars(headers).items() if name.isupper() and name != "ALL"}
    assert declared == set(headers.ALL)
    assert len(headers.ALL) == len(declared)
    assert all(name == name.lower() for name in headers.ALL)


def test_our_own_headers_say_whose_they_are() -> None:
    w3c = {headers.TRACEPARENT, headers.TRACESTATE, headers.BAGGAGE}
    assert all(name.startswith("postroom-") for name in set(headers.ALL) - w3c)
