"""What a library says less of, or says in another language, is the same failure if nothing is told against it."""

from __future__ import annotations

import pytest

from agents.deadletters.fingerprint import Died, Told, form, nearest, tell

PYTHON = """Traceback (most recent call last):
  File "/app/intake.py", line 39, in register
    Shipment.objects.create(**fields)
  File "/usr/lib/python3.12/site-packages/django/db/models/manager.py", line 87, in manager_method
    return call()
"""
NULL = "django.db.utils.IntegrityError: null value in column {} violates not-null constraint"
NEWER = 'django.db.utils.IntegrityError: null value in column {} of relation "parcels" violates not-null constraint'
TWICE = 'django.db.utils.IntegrityError: duplicate key value violates unique constraint "parcels_no_key"'
REFUSED = "requests.exceptions.HTTPError: 401 Client Error: {}for url: https://api.example/v2/labels/7"
NET = """{type}: {said}
   {at} System.Number.ParseDecimal(String value)
   {at} System.{of}.Parse(String s, IFormatProvider provider)
   {at} Acme.Invoices.Totals.Read(Row row) in C:\\src\\Totals.cs:{line} 38.
"""
PANIC = (
    "thread 'main' panicked at {}:59:48:\ncalled `Result::unwrap()` on an `Err` value: ParseIntError"
    " {{ kind: InvalidDigit }}\n"
)
CALLS = "stack backtrace:\n   0: rust_begin_unwind\n   1: core::panicking::panic_fmt\n   2: scan::codes::{}\n"


def died(traceback: str) -> Died:
    return Died("intake", "exception", "", "", traceback)


def told(traceback: str) -> Told:
    return tell(died(traceback))


def python(said: str) -> Told:
    return told(PYTHON + said)


def english(said: str, of: str = "Decimal") -> Told:
    return told(NET.format(type="System.FormatException", said=said, of=of, at="at", line="line"))


def german(said: str, of: str = "Decimal") -> Told:
    return told(NET.format(type="System.FormatException", said=said, of=of, at="bei", line="Zeile"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NULL.format('"weight"'), NEWER.format('"weight"')),
        (REFUSED.format("Unauthorized "), REFUSED.format(" ")),
        (
            TWICE,
            "django.db.utils.IntegrityError: doppelter Schl\u00fcsselwert verletzt Unique-Constraint"
            " \u00bbparcels_no_key\u00ab",
        ),
        (
            TWICE,
            "django.db.utils.IntegrityError: une valeur cl\u00e9 dupliqu\u00e9e rompt la contrainte unique"
            " \u00ab parcels_no_key \u00bb",
        ),
        (
            NEWER.format('"weight"'),
            "django.db.utils.IntegrityError: NULL-Wert in Spalte \u00bbweight\u00ab von Relation"
            " \u00bbparcels\u00ab verletzt Not-Null-Constraint",
        ),
    ],
)
def test_less_or_another_language__the_same(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        assert nearest(python(first), [(python(second), 1)]) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NULL.format('"weight"'), NEWER.format('"height"')),
        (REFUSED.format("Unauthorized "), REFUSED.replace("401", "429").format(" ")),
        (TWICE, NEWER.format('"weight"')),
        (
            NEWER.format('"height"'),
            "django.db.utils.IntegrityError: NULL-Wert in Spalte \u00bbweight\u00ab von Relation"
            " \u00bbparcels\u00ab verletzt Not-Null-Constraint",
        ),
        (
            'psycopg2.OperationalError: role "a_b" does not exist',
            "psycopg2.OperationalError: Datenbank \u00bba_b\u00ab existiert nicht",
        ),
    ],
)
def test_another_name_or_code__another_failure(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        assert nearest(python(first), [(python(second), 1)]) is None


def test_what_could_be_of_two_groups__is_of_neither() -> None:
    """It names less than both do."""
    of_both = python(REFUSED.format(" "))
    one, other = (python(REFUSED.format(f"Unauthorized {why} ")) for why in ("key_expired", "key_unknown"))
    assert nearest(of_both, [(one, 1)]) == 0
    assert nearest(of_both, [(one, 1), (other, 2)]) is None
    assert nearest(other, [(of_both, 1), (one, 1)]) is None


def test_dotnet_in_german__by_the_same_call_of_the_library() -> None:
    said = "Input string was not in a correct format."
    foreign = german("Die Eingabezeichenfolge hat das falsche Format.")
    assert foreign.calls == ("Acme.Invoices.Totals.Read",)
    assert nearest(foreign, [(english(said), 1)]) == 0
    assert nearest(foreign, [(english(said, of="DateTime"), 1)]) is None


def test_rust_panic_without_its_calls__joins_by_its_file() -> None:
    bare, other_file = PANIC.format("src/codes.rs"), PANIC.format("src/rates.rs")
    digit, weight = (PANIC.format("/build/src/codes.rs") + CALLS.format(each) for each in ("digit", "weight"))
    assert form(died(bare)).fingerprint != form(died(other_file)).fingerprint
    assert nearest(told(bare), [(told(digit), 1)]) == 0
    assert nearest(told(other_file), [(told(digit), 1)]) is None
    assert nearest(told(weight), [(told(bare), 1), (told(digit), 1)]) is None
    assert nearest(told(bare), [(told(weight), 2), (told(digit), 1)]) is None


# ---- What systems say -------------------------------------------------------------------------------------------
ADDRESSES = (
    "[Errno 111] Connect call failed ('::1', 6379, 0, 0), [Errno 111] Connect call failed ('10.0.0.4', 6379)"
)


@pytest.mark.parametrize(
    "said",
    [
        "ConnectionRefusedError: [Errno 61] Connect call failed ('10.0.0.4', 6379)",
        "ConnectionRefusedError: [WinError 1225] The remote computer refused the network connection",
        "ConnectionRefusedError: [WinError 10061] Es konnte keine Verbindung hergestellt werden",
        f"OSError: Multiple exceptions: {ADDRESSES}",
    ],
)
def test_refused_on_any_system_and_by_any_number_of_addresses__one_fingerprint(said: str) -> None:
    plain = PYTHON + "ConnectionRefusedError: [Errno 111] Connection refused"
    assert form(died(PYTHON + said)).fingerprint == form(died(plain)).fingerprint


@pytest.mark.parametrize(
    "said",
    [
        "OSError: [Errno 110] Connect call failed ('10.0.0.4', 6379)",
        f"OSError: Multiple exceptions: {ADDRESSES}, [Errno 101] Connect call failed ('10.0.0.5', 6379)",
    ],
)
def test_another_error_of_the_system__another_fingerprint(said: str) -> None:
    plain = PYTHON + "ConnectionRefusedError: [Errno 111] Connection refused"
    assert form(died(PYTHON + said)).fingerprint != form(died(plain)).fingerprint


def test_several_addresses_in_node__as_one() -> None:
    at = "    at async fetchRates (/app/src/rates.js:12:5)"
    one = f"Error: connect ECONNREFUSED 127.0.0.1:5432\n{at}"
    many = "AggregateError [{}]: \n    at internalConnectMultiple (node:net:1139:18)\n" + at
    assert form(died(many.format("ECONNREFUSED"))).fingerprint == form(died(one)).fingerprint
    assert form(died(many.format("ETIMEDOUT"))).fingerprint != form(died(one)).fingerprint


def test_driver_of_a_database__is_no_cause() -> None:
    said = "sqlalchemy.exc.OperationalError: ({}) deadlock detected"
    drivers = ("psycopg.errors.DeadlockDetected", "psycopg2.errors.DeadlockDetected")
    assert len({form(died(PYTHON + said.format(each))).fingerprint for each in drivers}) == 1
