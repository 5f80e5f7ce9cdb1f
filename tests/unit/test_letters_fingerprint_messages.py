"""Messages: what differs from one time to the next goes, what tells one cause from another stays."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.deadletters.fingerprint.normalising import normalised

SAME = [
    (
        "SyntaxError",
        "Unexpected end of JSON input",
        "Expected ',' or ']' after array element in JSON at position 41 (line 3 column 9)",
    ),
    (
        "JSONDecodeError",
        "Expecting ',' delimiter: line 1 column 40 (char 39)",
        "Unterminated string starting at: line 2 column 7 (char 90)",
    ),
    ("", 'he wrote: "hello\nwhere is my parcel?\nBo"', 'he wrote: "thanks"'),
    ("", "tariff 'night-2025' has no price", "tariff 'weekend-2026-q1' has no price"),
    (
        "RestClientException",
        "I/O error on GET: Connection reset; nested exception is java.net.SocketException: Connection reset",
        "I/O error on GET: Connection reset",
    ),
    (
        "RateLimitError",
        "429 {'error': {'type': 'rate_limit_exceeded', 'message': 'Limit 200 requests per day'}}",
        "429 {'error': {'type': 'rate_limit_exceeded', 'message': 'Limit 9000 tokens per minute'}}",
    ),
    ("", "connect ETIMEDOUT 2001:db8::1f:587", "connect ETIMEDOUT 192.0.2.117:2525"),
    ("", "connect ETIMEDOUT fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffa", "connect ETIMEDOUT 192.0.2.117"),
    ("", "connect ECONNREFUSED ::1:5432", "connect ECONNREFUSED 127.0.0.1:5432"),
    ("", "dial tcp [fe80::1%eth0]:6379: i/o timeout", "dial tcp redis-0.cache.svc:6379: i/o timeout"),
    ("", "read tcp 10.1.1.1:41234->10.2.2.2:6379: i/o timeout", "read tcp [::1]:9->[::2]:6379: i/o timeout"),
    ("", "Connection to /10.0.0.1:5432 refused", "Connection to db.internal/10.0.0.9:5432 refused"),
    ("", "getaddrinfo ENOTFOUND smtp.acme.de", "getaddrinfo ENOTFOUND mailhost"),
    ("", "lookup db-1 on 10.0.0.2:53: no such host", "lookup db.acme.io on [::1]:53: no such host"),
    (
        "",
        'connection to server at "10.0.0.1", port 5432 failed: timeout',
        'connection to server at "db.internal" (10.0.0.7), port 6432 failed: timeout',
    ),
    ("", "open /var/in/batch 7/page 4.png: no such file", "open /mnt/a.tif: no such file"),
    ("", r"open C:\Program Files\Acme\in box\page 4.png: no such file", "open /mnt/a.tif: no such file"),
    ("", "cannot read 'scan-83.tif'", "cannot read '/mnt/share/a b/x.csv'"),
    ("", "cannot parse scan-83.tif now", "cannot parse in/b.pdf now"),
    ("", "mail o'brien@example.ie bounced", "mail j.meyer+invoices@mail.example.com bounced"),
    ("", "mail 'ana@acme.com' bounced", "mail 'o'brien@example.ie' bounced"),
    ("", "no customer named 'Ana'", "no customer named 'Bo'"),
    ("", "barcode 4711 is none", "barcode 12 is none"),
    ("", "not answered, request req_GjHfsQJgiaPhWUCgcd", "not answered, request req_011CQ7xWb2"),
    ("", "document DOC-2026-000814 is late", "document 671b5a9656936632c5c30e11 is late"),
    (
        "",
        "document 01ARZ3NDEKTSV4RRFFQ69G5FAV is late",
        "document {eaafb66f-eb51-4749-97bc-75a09a794fbc} is late",
    ),
    ("", "digest sha256:9f86d081884c7d65 differs", "digest d41d8cd98f00b204e9800998ecf8427e differs"),
    ("", "gave up after 30 seconds", "gave up after 1m30.5s"),
    ("", "gave up after 500 ms", "gave up after 2 min"),
    ("", "read 5.2 MiB of it", "read 1024 bytes of it"),
    ("", "amount 1.204,50 EUR is too high", "amount $12.50 is too high"),
    ("", "expired at 2026-11-26T14:03:12.123Z", "expired at Thu, 26 Nov 2026 14:03:12 GMT"),
    ("", "expired at 26.11.2026", "expired at November 26, 2026 2:03:12 PM"),
    ("", "1 page was left", "12 pages were left"),
    ("", "1 entry is open", "3 entries are open"),
    (
        "",
        "GET https://api.acme.com/v1/orders/4711?x=1 failed",
        "GET http://localhost:8000/v1/orders/a9f failed",
    ),
    (
        "",
        "Max retries exceeded with url: /v1/orders/4711",
        "Max retries exceeded with url: /v1/orders/9?page=3",
    ),
    ("", "query returned 17 rows", "query returned 404 rows"),
    ("", "Error: 12 items were left", "Error: 3 items were left"),
    ("", "com.acme.Order@1b6d3586 is closed", "com.acme.Order@deadbee is closed"),
    ("", "got {'a': 1, 'b': 'x y'} here", 'got {"c": [1, 2], "a": {}} here'),
    ("", "user=ana order_id=x is gone", "user=bo order_id=y is gone"),
    ("", "Failing row contains (1, null, 2026-11-26).", "Failing row contains (ana, bo)."),
    ("", "Key (email)=(ana) already exists.", "Key (email)=(bo, 2) already exists."),
    ("", "missing columns: {'iban', 'bic'}", "missing columns: {'bic', 'iban'}"),
    (
        "TypeError",
        "Cannot read property 'rows' of undefined",
        "Cannot read properties of undefined (reading 'rows')",
    ),
    ("NoMethodError", "undefined method `total' for nil:NilClass", "undefined method 'total' for nil"),
    ("TypeError", "Order.sum() missing 1 required argument: 'x'", "sum() missing 1 required argument: 'x'"),
    (
        "AttributeError",
        "'A' object has no attribute 'x'. Did you mean: 'y'?",
        "'A' object has no attribute 'x'",
    ),
    (
        "FormatException",
        "Input string was not in a correct format.",
        "The input string '1' was not in a correct format.",
    ),
    ("UndefinedTable", 'relation "orders_2024_11" is gone', 'relation "orders_2025_12" is gone'),
    ("", "\x1b[31mtoo late\x1b[0m", "too late"),
]
APART = [
    ("", "on_HttpResponseReceived failed", "on_OrderShippedByCarrier failed"),
    ("", "get_HTTPSConnection failed", "get_TCPListenerSocket failed"),
    ("SyntaxError", "plan: Unexpected end of JSON input", "memo: Unexpected end of JSON input"),
    ("", "constraint 'orders_by_day' is broken", "constraint 'orders_by_shop' is broken"),
    (
        "RateLimitError",
        "429 {'error': {'type': 'rate_limit_exceeded', 'message': 'Limit 200 requests per day'}}",
        "429 {'error': {'type': 'insufficient_quota', 'message': 'Limit 200 requests per day'}}",
    ),
    ("", "Unexpected answer of billing: it is no JSON", "Unexpected answer of stock: it is no JSON"),
    ("KeyError", "'iban'", "'bic'"),
    ("LookupError", "unknown encoding: 'utf-16'", "unknown encoding: 'iso-8859-15'"),
    ("KeyError", "'address1'", "'address2'"),
    ("", 'column "iban" of relation "orders" is null', 'column "bic" of relation "orders" is null'),
    ("", 'violates unique constraint "orders_pkey"', 'violates unique constraint "orders_number_key"'),
    ("", "Duplicate entry '4711' for key 'orders.PRIMARY'", "Duplicate entry '4711' for key 'orders.number'"),
    ("", "missing columns: ['amount', 'bic']", "missing columns: ['iban', 'bic']"),
    ("", "{'amount': ['Missing data for it.']}", "{'iban': ['Missing data for it.']}"),
    ("", "returned status 503", "returned status 404"),
    ("", "Request failed with status code 429", "Request failed with status code 500"),
    ("", "429 Too Many Requests for url https://a.io/x", "401 Unauthorized for url https://a.io/x"),
    ("", "the server responded with 502", "the server responded with 403"),
    ("", "command exited with code 1", "command exited with code 137"),
    ("", "exit status 2", "exit status 255"),
    ("", "[Errno 13] Permission denied: '/x/y.csv'", "[Errno 2] Permission denied: '/x/y.csv'"),
    ("", "killed by signal 9", "killed by signal 11"),
    ("", "ORA-00942: table or view does not exist", "ORA-00001: table or view does not exist"),
    ("", "SQLSTATE[23505]: it failed", "SQLSTATE[40001]: it failed"),
    ("", "HRESULT 0x80070005 came back", "HRESULT 0x8007000E came back"),
    ("", "E11000 duplicate", "E11001 duplicate"),
    ("", "(1045, \"Access denied for user 'x'\")", "(2003, \"Can't connect to server on 'x'\")"),
    ("", "(554, b'Transaction failed')", "(554, b'Message too big')"),
    ("", "POST https://a.io/v1/orders failed", "POST https://a.io/v1/customers failed"),
    ("", "404 for url 'https://a.io/orders/1'", "404 for url 'https://a.io/customers/1'"),
    ("", "GET /v1/orders/4711 failed", "GET /v2/orders/4711 failed"),
    ("", "cannot open /etc/acme/config.yaml", "cannot open /etc/acme/secrets.pem"),
    ("", "cannot open '/etc/acme/config.yaml'", "cannot open '/etc/acme/rates.ini'"),
    (
        "",
        "Error code: 400 - {'error': {'message': 'Too long', 'code': 'context_length_exceeded'}}",
        "Error code: 400 - {'error': {'message': 'Not now', 'code': 'content_filter'}}",
    ),
    (
        "",
        'unwrap() on an `Err` value: Os { code: 2, kind: NotFound, message: "No such file" }',
        'unwrap() on an `Err` value: Os { code: 13, kind: PermissionDenied, message: "Permission denied" }',
    ),
    (
        "",
        "Max retries exceeded with url: /a (Caused by NewConnectionError('<X at 0x7f>: [Errno 111] refused'))",
        "Max retries exceeded with url: /a (Caused by NewConnectionError('<X at 0x7f>: [Errno -2] unknown'))",
    ),
    ("", 'Os { code: 2, message: "it is gone" }', 'Os { code: 2, message: "it is shut" }'),
    ("", "tool 'search' was unexpected", "tool 'mail' was unexpected"),
    ("", "lookup customer failed", "lookup order failed"),
    (
        "ZodError",
        '[{"code": "invalid_type", "path": ["customer", "email"]}]',
        '[{"code": "invalid_type", "path": ["total"]}]',
    ),
]


@pytest.mark.parametrize(("type_", "one", "other"), SAME)
def test_what_differs_from_time_to_time__the_same(type_: str, one: str, other: str) -> None:
    assert normalised(one, type_) == normalised(other, type_)


@pytest.mark.parametrize(("type_", "one", "other"), APART)
def test_what_tells_causes_apart__stays(type_: str, one: str, other: str) -> None:
    assert normalised(one, type_) != normalised(other, type_)


def test_address_in_code__stays() -> None:
    assert normalised("serde_json::de::Error in foo::bar") == "serde_json::de::Error in foo::bar"


numbers = st.one_of(
    st.integers(0, 10**12).map(str),
    st.integers(-999, 10**6).map(str),
    st.decimals(0, 10**6, places=2, allow_nan=False).map(str),
    st.uuids().map(str),
    st.uuids().map(lambda each: each.hex),
    st.from_regex(r"\A[0-7][0-9A-HJKMNP-TV-Z]{25}\Z"),
    st.binary(min_size=20, max_size=20).map(bytes.hex),
    st.integers(0, 2**48).map(hex),
)
# `bad::face` may as well be a name of the code.
addresses = st.ip_addresses(v=6).filter(
    lambda each: "::" not in str(each) or any(letter.isdigit() for letter in str(each))
)
hosts = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(1, 65535)).map(lambda pair: f"{pair[0]}:{pair[1]}"),
    st.tuples(st.ip_addresses(v=6), st.integers(1, 65535)).map(lambda pair: f"[{pair[0]}]:{pair[1]}"),
    (st.ip_addresses(v=4) | addresses).map(str),
)
words = st.text(string.ascii_lowercase, min_size=2, max_size=10)
files = st.lists(words | st.integers(0, 9999).map(str), min_size=2, max_size=5).map(
    lambda parts: f"/{'/'.join(parts)}.csv"
)
mails = st.tuples(words, st.sampled_from([".", "+", "'", "-", "_"]), words, words).map(
    lambda parts: f"{parts[0]}{parts[1]}{parts[2]}@{parts[3]}.example.com"
)
times = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).flatmap(  # noqa: DTZ001 - bounds are naive
    lambda at: st.sampled_from(
        [
            at.isoformat(),
            f"{at:%Y-%m-%d %H:%M:%S}",
            f"{at:%Y-%m-%dT%H:%M:%SZ}",
            f"{at:%a, %d %b %Y %H:%M:%S} GMT",
            f"{at:%d.%m.%Y}",
        ]
    )
)
texts = st.text(string.ascii_letters + " -", max_size=30).map(lambda text: f"'{text}'")


@pytest.mark.parametrize(
    "kind",
    [numbers, hosts, files, mails, times, texts],
    ids=["number", "host", "file", "mail", "time", "text"],
)
def test_any_value_of_a_kind__the_same_message(kind: st.SearchStrategy[str]) -> None:
    @settings(deadline=None, max_examples=60)
    @given(kind, kind)
    def same(one: str, other: str) -> None:
        assert normalised(f"cannot book {one} in time") == normalised(f"cannot book {other} in time")

    same()


@settings(deadline=None, max_examples=60)
@given(st.ip_addresses(v=4), addresses)
def test_addresses_of_both_kinds__the_same(four: IPv4Address, six: IPv6Address) -> None:
    assert normalised(f"connect to {four} timed out") == normalised(f"connect to {six} timed out")


@settings(deadline=None, max_examples=60)
@given(st.from_regex(r"\A[a-z][a-z_]{2,20}\Z"), st.from_regex(r"\A[a-z][a-z_]{2,20}\Z"), st.uuids())
def test_names_of_the_code__apart_whatever_else_differs(one: str, other: str, id: UUID) -> None:
    messages = [f"order {id}: field '{name}' is missing" for name in (one, other)]
    assert (normalised(messages[0]) == normalised(messages[1])) == (one == other)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=300))
def test_any_text__read_and_read_again(text: str) -> None:
    assert normalised(text) == normalised(text)
    assert len(normalised(text)) <= 300
