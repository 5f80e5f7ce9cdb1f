"""Pairs of deaths: what versions, systems and values tell apart is one failure; what is named tells two."""

from __future__ import annotations

import pytest

from agents.deadletters.fingerprint import Died, form


def python(last: str, *, library: bool = True) -> str:
    inside = '  File "/usr/lib/python3.12/json/decoder.py", line 9, in decode\n    x\n' if library else ""
    return (
        'Traceback (most recent call last):\n  File "/app/orders/agent.py", line 3, in take\n    x\n'
        + inside
        + last
    )


def node(last: str, inside: str = "    at JSON.parse (<anonymous>)\n") -> str:
    return f"{last}\n{inside}    at readOrder (/app/dist/orders.js:4:5)\n    at take (/app/dist/agent.js:9:1)"


def java(last: str, inside: str = "\tat java.base/java.net.Socket.read(Socket.java:1)\n") -> str:
    return f"{last}\n{inside}\tat example.shop.Orders.take(Orders.java:7)"


def net(last: str) -> str:
    return (
        f"{last}\n   at System.Text.Json.JsonSerializer.Read()\n"
        "   at Shop.Orders.Take(String id) in /app/O.cs:line 4"
    )


def ruby(last: str, type_: str) -> str:
    return f"/app/orders.rb:4:in `take': {last} ({type_})\n\tfrom /app/agent.rb:3:in `handle'"


def php(last: str) -> str:
    return f"{last} in /app/src/Orders.php:4\nStack trace:\n#0 /app/src/Agent.php(9): Orders->take()\n#1 {{main}}"


def elixir(last: str) -> str:
    return f"** {last}\n    (shop 0.1.0) lib/shop/orders.ex:4: Shop.Orders.take/1"


GO = "\ngoroutine 7 [running]:\n{}panic({{0x1, 0x2}})\n\t/usr/local/go/src/runtime/panic.go:770 +0x1\n{}"
GO_DEFER = "shop.example/orders.(*Agent).recovered(0x1)\n\t/src/orders/recover.go:4 +0x1\n"
GO_TAKE = "shop.example/orders.Take(0x1)\n\t/src/orders/take.go:9 +0x1\n"
GO_GIVE = "shop.example/orders.Give(0x1)\n\t/src/orders/take.go:9 +0x1\n"
RUST = (
    "Error: reading order\n\nCaused by:\n    missing field `{}` at line 1 column 2\n\n"
    "Stack backtrace:\n{}   1: shop::orders::take"
)

RATE = (
    "RateLimitError: Error code: 429 - {{'error': {{'message': 'Limit reached on {}: Limit 30000, Used 29000.',"
    " 'type': '{}', 'param': None, 'code': '{}'}}}}"
)
VALIDATED = (
    "ValidationError: 1 validation error for Order\n{}\n  {} [type={}, input_value='x', input_type=str]\n"
    "    For further information visit https://errors.example.dev/2.{}/v/x"
)

TOGETHER = {
    "json cut off, two versions of an engine": (
        node("SyntaxError: Unexpected end of JSON input"),
        node("SyntaxError: Unterminated string in JSON at position 8 (line 1 column 9)"),
    ),
    "json malformed, two versions of an engine": (
        node("SyntaxError: Unexpected token < in JSON at position 0"),
        node("SyntaxError: Unexpected token '<', \"<html>\"... is not valid JSON"),
    ),
    "the same of a python": (
        python("json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        python("json.decoder.JSONDecodeError: Expecting ',' delimiter: line 3 column 1 (char 90)"),
    ),
    "the cause said again or not": (
        java("example.shop.Refused: no order: Read timed out; nested exception is java.io.E: Read timed out"),
        java("example.shop.Refused: no order: Read timed out"),
    ),
    "a read that times out": (
        java("java.net.SocketTimeoutException: Read timed out"),
        java("java.net.SocketTimeoutException: timeout"),
    ),
    "a deferred function on the stack or not": (
        "panic: nil map" + GO.format(GO_DEFER, GO_TAKE),
        "panic: nil map" + GO.format("", GO_TAKE),
    ),
    "glue of generics": (
        RUST.format("id", "   0: <T as core::convert::Into<U>>::into\n"),
        RUST.format("id", "   0: anyhow::error::from\n"),
    ),
    "a null with and without its local name": (
        java('java.lang.NullPointerException: Cannot invoke "A.b()" because "<local4>" is null', ""),
        java('java.lang.NullPointerException: Cannot invoke "A.b()" because "rate" is null', ""),
    ),
    "argument of .NET, old and new": (
        net("System.ArgumentException: No such thing. (Parameter 'unit')"),
        net("System.ArgumentException: No such thing.\nParameter name: unit"),
    ),
    "an argument of PHP, old and new": (
        php(
            "TypeError: Argument 1 passed to pay() must be of the type string, null given, called in /app/x.php"
        ),
        php("TypeError: pay(): Argument #1 ($a) must be of type string, null given, called in /srv/x.php"),
    ),
    "null property of PHP, old and new": (
        php("ErrorException: Trying to get property 'total' of non-object"),
        php('ErrorException: Attempt to read property "total" on null'),
    ),
    "method of nil in Ruby, old and new": (
        ruby("undefined method `total' for nil:NilClass", "NoMethodError"),
        ruby("undefined method 'total' for nil", "NoMethodError"),
    ),
    "a key of Elixir with what was there": (
        elixir("(KeyError) key :total not found in: %{id: 4}"),
        elixir("(KeyError) key :total not found in:\n\n    %{id: 9, name: 3}\n"),
    ),
    "the limit of a provider": (
        python(RATE.format("tokens per min (TPM)", "tokens", "rate_limit_exceeded")),
        python(RATE.format("requests per min (RPM)", "requests", "rate_limit_exceeded")),
    ),
    "what a validator explains": (
        python(VALIDATED.format("paid_at", "Input should be a valid date, too short", "date_parsing", 4)),
        python(VALIDATED.format("paid_at", "Input should be a valid date, bad year", "date_parsing", 11)),
    ),
    "what somebody wrote, in lines": (
        python('orders.Refused: refused, they wrote: "please"', library=False),
        python('orders.Refused: refused, they wrote: "dear shop\nplease\n\nAda"', library=False),
        python('orders.Refused: refused, they wrote: "dear shop, ple', library=False),
    ),
    "values in quotes": (
        python("orders.Missing: price table 'spring-2025' is not here", library=False),
        python("orders.Missing: price table 'winter-sale-2026' is not here", library=False),
    ),
    "words of two C libraries": (
        python("socket.gaierror: [Errno -2] Name or service not known"),
        python("socket.gaierror: [Errno -2] Name does not resolve"),
    ),
    "a local without value, two versions": (
        python("UnboundLocalError: local variable 'total' referenced before assignment", library=False),
        python(
            "UnboundLocalError: cannot access local variable 'total' where it is not associated with a value",
            library=False,
        ),
    ),
}
KEPT_APART = {
    "fields of one JSON": (
        net(
            "System.Text.Json.JsonException: The JSON value could not be converted to System.Int32. Path: $.total"
        ),
        net(
            "System.Text.Json.JsonException: The JSON value could not be converted to System.Int32. Path: $.count"
        ),
    ),
    "reading, and connecting": (
        java("java.net.SocketTimeoutException: Read timed out"),
        java("java.net.SocketTimeoutException: connect timed out"),
    ),
    "timeouts that say of what": (
        java("org.x.TimeoutException: Timeout expired while fetching topic metadata"),
        java("org.x.TimeoutException: Timeout expired before the position of the partition was known"),
    ),
    "where it panicked": (
        "panic: nil map" + GO.format(GO_DEFER, GO_TAKE),
        "panic: nil map" + GO.format(GO_DEFER, GO_GIVE),
    ),
    "missing fields": (RUST.format("id", ""), RUST.format("total", "")),
    "methods of null": (
        java('java.lang.NullPointerException: Cannot invoke "A.b()" because "a" is null', ""),
        java('java.lang.NullPointerException: Cannot invoke "A.c()" because "a" is null', ""),
    ),
    "codes of a provider": (
        python(RATE.format("tokens per min (TPM)", "tokens", "rate_limit_exceeded")),
        python(RATE.format("your plan", "insufficient_quota", "insufficient_quota")),
    ),
    "general kinds of a provider, two sentences": (
        python(
            "BadRequestError: 400 {'error': {'type': 'invalid_request_error', 'message': 'roles must alternate'}}"
        ),
        python(
            "BadRequestError: 400 {'error': {'type': 'invalid_request_error', 'message': 'prompt is too long'}}"
        ),
    ),
    "fields that a validator refuses": (
        python(VALIDATED.format("paid_at", "Input should be a valid date, too short", "date_parsing", 4)),
        python(VALIDATED.format("sent_at", "Input should be a valid date, too short", "date_parsing", 4)),
    ),
    "kinds that a validator refuses": (
        python(VALIDATED.format("paid_at", "Input should be a valid date", "date_parsing", 4)),
        python(VALIDATED.format("paid_at", "Input should be a valid date", "date_type", 4)),
    ),
    "constraints": (
        python(
            'psycopg.errors.UniqueViolation: duplicate key value violates unique constraint "orders_no_key"'
        ),
        python(
            'psycopg.errors.UniqueViolation: duplicate key value violates unique constraint "orders_ref_key"'
        ),
    ),
    "causes beneath one message": (
        node("OrderError: no order {\n  [cause]: Error: connect ECONNREFUSED 10.0.0.1:80", ""),
        node("OrderError: no order {\n  [cause]: Error: connect ETIMEDOUT 10.0.0.1:80", ""),
    ),
    "what the application says by a type of the language": (
        python("TimeoutError: pricing did not answer", library=False),
        python("TimeoutError: stock did not answer", library=False),
    ),
    "errors of a system": (
        python("OSError: [Errno 28] No space left on device: '/data/a'"),
        python("OSError: [Errno 30] Read-only file system: '/data/a'"),
    ),
    "keys of Elixir": (
        elixir("(KeyError) key :total not found in: %{id: 4}"),
        elixir("(KeyError) key :unit not found in: %{id: 4}"),
    ),
    "properties of PHP": (
        php('ErrorException: Attempt to read property "total" on null'),
        php('ErrorException: Attempt to read property "unit" on null'),
    ),
    "arguments of PHP": (
        php("TypeError: pay(): Argument #1 ($a) must be of type string, null given, called in /app/x.php"),
        php("TypeError: pay(): Argument #2 ($b) must be of type string, null given, called in /app/x.php"),
    ),
    "tools": (
        node('ToolError: tool "book" failed: Unexpected end of JSON input', ""),
        node('ToolError: tool "cancel" failed: Unexpected end of JSON input', ""),
    ),
}


def fingerprint(traceback: str) -> str:
    return form(Died("shop", "exception", traceback=traceback)).fingerprint


@pytest.mark.parametrize("deaths", TOGETHER.values(), ids=TOGETHER.keys())
def test_one_failure_in_other_words_is_together(deaths: tuple[str, ...]) -> None:
    assert len({fingerprint(each) for each in deaths}) == 1, [form(Died("", "", traceback=d)) for d in deaths]


@pytest.mark.parametrize("deaths", KEPT_APART.values(), ids=KEPT_APART.keys())
def test_failures_that_name_other_things_are_kept_apart(deaths: tuple[str, ...]) -> None:
    assert len({fingerprint(each) for each in deaths}) == len(deaths), [
        form(Died("", "", traceback=deaths[0]))
    ]
