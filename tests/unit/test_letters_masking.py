"""Masking: secrets by name and by look, cards by Luhn, own rules; quick on a megabyte, no pattern that runs away."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest

from agents.deadletters.masking import HIDDEN, Mask, MaskError, Rule, checked, made, masked, text
from agents.deadletters.values import Contents, MaskKind


def body(value: Any, *rules: Rule) -> Any:
    found = masked(Contents(json.dumps(value).encode()), made(rules))
    assert found
    return json.loads(found.body)


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("card 4111 1111 1111 1111 was refused", f"card {HIDDEN} was refused"),
        ("order 4111 1111 1111 1112", "order 4111 1111 1111 1112"),
        ("mail to ana.b@acme.co.uk now", f"mail to {HIDDEN}@{HIDDEN} now"),
        ("Authorization: Bearer abcdef0123456789", f"Authorization: {HIDDEN}"),
        ("sk-abcdefghijklmnopqrst", HIDDEN),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", HIDDEN),
        ("password=hunter2&x=1", f"{HIDDEN}&x=1"),
        ("nothing to hide: 17 items", "nothing to hide: 17 items"),
    ],
)
def test_by_its_look(said: str, plain: str) -> None:
    assert text(said, Mask()) == plain


def test_document__by_name_at_any_depth() -> None:
    found = body({"user": {"password": "x", "name": "Ana"}, "api_key": 7, "card": 4111111111111111, "n": 12})
    assert found == {"user": {"password": HIDDEN, "name": "Ana"}, "api_key": HIDDEN, "card": HIDDEN, "n": 12}


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("customer.name", {"customer": {"name": HIDDEN}, "lines": [{"name": "b"}]}),
        ("lines[].name", {"customer": {"name": "a"}, "lines": [{"name": HIDDEN}]}),
        ("*.name", {"customer": {"name": HIDDEN}, "lines": [{"name": HIDDEN}]}),
        ("lines", {"customer": {"name": "a"}, "lines": HIDDEN}),
    ],
)
def test_own_paths(path: str, hidden: dict[str, Any]) -> None:
    value = {"customer": {"name": "a"}, "lines": [{"name": "b"}]}
    assert body(value, Rule(MaskKind.PATH, path)) == hidden


def test_own_headers_and_patterns() -> None:
    rules = (Rule(MaskKind.HEADER, "x-tenant*"), Rule(MaskKind.PATTERN, r"KD-\d{4,8}"))
    contents = Contents(b"customer KD-12345", {"X-Tenant-Id": "acme", "x-other": "KD-12345", "cookie": "c"})
    found = masked(contents, made(rules))
    assert found
    assert found.body.decode() == f"customer {HIDDEN}"
    assert found.headers == {"X-Tenant-Id": HIDDEN, "x-other": HIDDEN, "cookie": HIDDEN}


def test_body_that_is_no_text__not_shown() -> None:
    assert masked(Contents(b"\xff\x00"), Mask()) is None


@pytest.mark.parametrize(
    "what", [r"(a+)+b", r"(a|a)*b", r"a*a*a*b", r"(.)\1", r"(?=a)b", r"[", "", r"a*", r"\w*\w*x"]
)
def test_pattern_that_may_run_away__refused(what: str) -> None:
    with pytest.raises(MaskError):
        checked(Rule(MaskKind.PATTERN, what))


@pytest.mark.parametrize("what", [r"KD-\d{4,8}", r"(?:IBAN|iban) [A-Z]{2}\d{2,30}", r"(?i)ssn \d{3}-\d{2}"])
def test_plain_pattern__taken(what: str) -> None:
    checked(Rule(MaskKind.PATTERN, what))


@pytest.mark.parametrize("piece", ["word ", "a", "7", "a@", "4111 1111 1111 1111 ", "eyJ", "sk-", "token="])
def test_megabyte__in_a_second(piece: str) -> None:
    raw = (piece * (1_000_000 // len(piece))).encode()
    before = process_time()
    assert masked(Contents(raw), Mask())
    assert process_time() - before < 2
