"""Two failures at one place: other values and other wording are one failure, another name, code or kind is another."""

from __future__ import annotations

from time import process_time

import msgspec
import pytest

from agents.deadletters.fingerprint import Died, Told, carrying, is_alike, says_more, tell

PLACE = """Traceback (most recent call last):
  File "/app/agent.py", line 3, in handle
    self.work(order)
  File "/app/work.py", line 9, in work
    return self.call(order)
"""
LIBRARY = '  File "/app/.venv/lib/python3.12/site-packages/lib/core.py", line 9, in call\n    raise error\n'


def told(type_: str, message: str, inside: str = "", **carried: str) -> Told:
    values = carrying.values({}, msgspec.json.encode(carried))
    return tell(Died("pay", "exception", type_, message, f"{PLACE}{inside}{type_}: {message}"), values)


# ---- What the application says ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        (
            "NoRateError",
            "no VAT rate for country Portugal since 2026-01-01",
            "no VAT rate for country Spain since 2025-07-01",
        ),
        (
            "RuntimeError",
            "job nightly-billing did not finish in 3600 s",
            "job archive-export did not finish in 60 s",
        ),
        (
            "StockError",
            "article Blue Mug has 3 pieces left, 5 were ordered",
            "article Desk Lamp XL has 0 pieces left, 12 were ordered",
        ),
        (
            "ValueError",
            'customer "M\u00fcller & S\u00f6hne" has no billing address',
            'customer "O\'Neil Ltd" has no billing address',
        ),
        (
            "BucketError",
            "cannot write to bucket exports-eu/acme: quota of 50 GB is reached",
            "cannot write to bucket exports-us/lumen: quota of 20 GB is reached",
        ),
        (
            "RateError",
            "exchange rate EUR/CHF of 2026-11-20 is not known",
            "exchange rate USD/SEK of 2026-11-22 is not known",
        ),
        ("MailError", "mailbox of Ada Lovelace is full", "mailbox of Grace Hopper is full"),
        (
            "PrintError",
            "printer WH-03 in Leipzig is out of paper",
            "printer WH-11 in Graz is out of paper",
        ),
        (
            "SubmitError",
            "submit 17: Post https://ocr.example/v2/jobs: x509: certificate signed by unknown authority",
            "submit 9: Post https://ocr.example/v2/jobs: tls: failed to verify certificate: x509: certificate signed"
            " by unknown authority",
        ),
    ],
)
def test_values_in_a_sentence_of_the_application__alike(type_: str, one: str, other: str) -> None:
    assert is_alike(told(type_, one), told(type_, other))


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("tenant {} has used 1200 of 1000 pages", ["acme", "northwind"]),
        ("run of {} needs more credits than there are", ["translation", "Fjord Legal AS"]),
        ("language {} is not offered by the translator", ["sv", "nl"]),
        ("no carrier for zone EU-3 and weight class {}", ["heavy", "light"]),
    ],
)
def test_what_the_message_carried_itself__is_a_value(said: str, values: list[str]) -> None:
    one, other = (told("PlanError", said.format(value), value=value) for value in values)
    assert is_alike(one, other)
    bare, other = (told("PlanError", said.format(value)) for value in values)
    assert not is_alike(bare, other)


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("ValueError", "the page count is not a number", "the total is not a number"),
        ("ValueError", "due date is before invoice date", "delivery date is before invoice date"),
        (
            "HTTPError",
            "GET https://erp.example/orders/17 answered with 401",
            "GET https://erp.example/orders/1 answered with 503",
        ),
        ("HTTPError", "Request failed with status code 404", "Request failed with status code 429"),
        (
            "HTTPError",
            "GET https://erp.example/invoices/17: 404 Not Found",
            "GET https://erp.example/orders/17: 404 Not Found",
        ),
        ("ToolError", "tool get_order failed: not found", "tool get_customer failed: not found"),
        ("KeyError", "'iban'", "'bic'"),
        ("RuntimeError", "export failed: no rows", "export failed: no template"),
        ("RuntimeError", "cannot sign: the key has expired", "cannot sign: the key is revoked"),
        ("LookupError", "kein Preis f\u00fcr Artikel ABX-77", "kein Bestand f\u00fcr Artikel ABX-77"),
        (
            "SchemaError",
            "answer does not fit Invoice: total is missing",
            "answer does not fit Invoice: currency is missing",
        ),
    ],
)
def test_another_word_of_the_application__another_failure(type_: str, one: str, other: str) -> None:
    assert not is_alike(told(type_, one), told(type_, other))


def test_names_of_code_that_a_message_carries__are_the_cause() -> None:
    said = 'arguments of tool "{}" are wrong'
    one, other = (told("ToolError", said.format(tool), tool=tool) for tool in ("book_table", "send_voucher"))
    assert not is_alike(one, other)


# ---- What a library says ---------------------------------------------------------------------------------------
DENIED = "An error occurred (AccessDenied) when calling the PutObject operation: "


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        (
            "UnicodeDecodeError",
            "'utf-8' codec can't decode byte 0xfc in position 2: invalid start byte",
            "'utf-8' codec can't decode bytes in position 7-8: invalid continuation byte",
        ),
        (
            "OperationalError",
            'connection to server at "10.0.0.4", port 5432 failed: FATAL: password authentication failed',
            'connection failed: connection to server at "a.example", port 5432 failed: FATAL: password authentication'
            " failed",
        ),
        (
            "DecodeError",
            "Could not parse the PDF /in/a.pdf: xref table is corrupt near object 12",
            "Could not parse the PDF /in/b/c.pdf: the xref table is corrupt (object 4)",
        ),
        (
            "TimeoutException",
            "Timeout awaiting response (5001ms elapsed), command=HGETALL, inst: 0, qu: 4, aw: False, bw: SpinningDown",
            "Timeout awaiting response (5000ms elapsed), command=HGETALL, inst: 7, qu: 0, aw: False, bw: Inactive",
        ),
        (
            "S3Error",
            f"{DENIED}Access Denied",
            f'{DENIED}User: arn:aws:iam::1:user/exports is not authorized to perform: s3:PutObject on resource: "x"',
        ),
        (
            "ConnectionError",
            "Max retries exceeded with url: /v1/x (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection"
            " object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))",
            "Max retries exceeded with url: /v1/x (Caused by NewConnectionError(\"HTTPSConnection(host='b.example',"
            ' port=443): Failed to establish a new connection: [Errno 111] Connection refused"))',
        ),
    ],
)
def test_wording_of_a_library__alike(type_: str, one: str, other: str) -> None:
    assert is_alike(told(type_, one, LIBRARY), told(type_, other, LIBRARY))


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        (
            "OperationalError",
            "connection to server failed: Connection refused",
            "connection to server failed: Connection timed out",
        ),
        ("OperationalError", 'FATAL: database "a_b" does not exist', 'FATAL: role "a_b" does not exist'),
        (
            "IntegrityError",
            'duplicate key violates constraint "orders_no_key"',
            'duplicate key violates constraint "orders_ref_key"',
        ),
        (
            "BadRequestError",
            "Error code: 400 - {'error': {'type': 'invalid_request_error', 'message': 'prompt is too long'}}",
            "Error code: 400 - {'error': {'type': 'invalid_request_error', 'message': 'image is too large'}}",
        ),
        (
            "SSLError",
            "certificate verify failed: certificate has expired",
            "certificate verify failed: self-signed certificate",
        ),
        ("S3Error", f"{DENIED}Access Denied", DENIED.replace("PutObject", "GetObject") + "Access Denied"),
        (
            "RpcError",
            "rpc error: code = Unavailable desc = connection error",
            "rpc error: code = NotFound desc = no such collection",
        ),
        ("JWTError", "Signature verification failed", "Signature has expired"),
    ],
)
def test_another_name_code_or_kind_of_a_library__another_failure(type_: str, one: str, other: str) -> None:
    assert not is_alike(told(type_, one, LIBRARY), told(type_, other, LIBRARY))


# ---- Places ----------------------------------------------------------------------------------------------------
def test_another_call_that_failed__another_place() -> None:
    one = told("KeyError", "'iban'")
    other = tell(
        Died("pay", "exception", "KeyError", "'iban'", f"{PLACE.replace('work', 'check')}KeyError: 'iban'")
    )
    assert one.place != other.place
    assert not is_alike(one, other)


def test_one_call_more_on_the_way__alike() -> None:
    more = PLACE.replace(
        '  File "/app/work.py"', '  File "/app/retry.py", line 2, in again\n    f()\n  File "/app/work.py"'
    )
    other = tell(
        Died("pay", "exception", "PlanError", "run of a-b ended", f"{more}PlanError: run of a-b ended")
    )
    assert is_alike(told("PlanError", "run of c-d ended"), other)


def test_one_more_that_wraps__alike__and_another_beneath_is_not() -> None:
    def chain(*types: str) -> Told:
        between = "\n\nThe above exception was the direct cause of the following exception:\n\n"
        text = between.join(f"{PLACE}{type_}: it failed" for type_ in types)
        return tell(Died("pay", "exception", types[-1], "it failed", text))

    assert is_alike(chain("ReadError", "PlanError"), chain("ReadError", "TransportError", "PlanError"))
    assert not is_alike(chain("ReadError", "PlanError"), chain("WriteError", "PlanError"))


def test_a_library_that_nobody_has_heard_of__is_no_place() -> None:
    def java(inside: str) -> Told:
        text = f"com.acme.PlanException: no plan\n{inside}\tat com.acme.plans.Plans.of(Plans.java:7)"
        text += "\n\tat com.acme.Agent.handle(Agent.java:3)"
        return tell(Died("pay", "exception", "com.acme.PlanException", "no plan", text))

    assert is_alike(
        java("\tat org.rare.Client.send(Client.java:1)\n"), java("\tat org.rare.Http.put(Http.java:9)\n")
    )
    assert not is_alike(java(""), java("\tat com.acme.plans.Store.read(Store.java:1)\n"))


def test_no_calls_of_the_application__only_the_same_words_are_alike() -> None:
    def bare(message: str) -> Told:
        return tell(Died("pay", "exception", "McpError", message))

    assert is_alike(bare("run of a-b was refused"), bare("run of c-d was refused"))
    assert not is_alike(
        bare("the server could not be heard"), bare("the server could not be heard by anybody")
    )


def test_says_more__only_if_something_new_is_said() -> None:
    one = told("PlanError", "run of a-b ended")
    assert not says_more(told("PlanError", "run of c-d ended"), one)
    assert says_more(told("PlanError", "run of c-d ended: at last"), one)


def test_kept_as_json_and_read_again__the_same() -> None:
    one = told("PlanError", "run of a-b ended")
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(one)), Told) == one


@pytest.mark.parametrize(
    "text", ["a: b, " * 400, "'" * 900, "/a" * 400, "x_" * 400, "A.b" * 300, "(a=1, " * 150, "- " * 400]
)
def test_hostile_text__compared_in_no_time(text: str) -> None:
    before = process_time()
    is_alike(told("PlanError", text), told("PlanError", f"{text}!x"))
    assert process_time() - before < 1


def test_values__texts_of_headers_and_body_that_are_no_codes() -> None:
    body = b'{"tenant": "acme", "page": 13, "tool": "get_order", "to": "is", "lines": [{"name": "Blue Mug"}]}'
    assert carrying.values({"x-shop": "lumen", "n": 3}, body) == ("lumen", "acme", "Blue Mug")
    assert carrying.without(["acme"])("acme of acmex") == "00000000 of acmex"
    assert carrying.values({}, b"no JSON") == ()
