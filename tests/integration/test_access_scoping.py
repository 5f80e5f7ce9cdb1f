"""A scope as a condition on rows says what `may` says, on every database."""

from __future__ import annotations

from itertools import product

import pytest

from core.access.api import Grant, Kind, Permission, Place, Scope, Subject, may
from core.access.audit import selectors
from core.access.audit.api import Target
from core.access.audit.models import Entry
from tests.support.trail import write

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PLACES = [
    Place(*values)
    for values in product(
        ("production", "staging", None), ("payments.q", "mail.q", "a\nb", None), ("payments", "pay[1]", None)
    )
]
SCOPES = [
    Scope(),
    Scope("production"),
    Scope("prod*"),
    Scope("*", "*.q"),
    Scope("*", "p*.q", "pay*"),
    Scope("*", "*", "pay[[]1]"),
    Scope("*", "a?b"),
    Scope("[ps]*", "*", "payment?"),
    Scope("[!p]*"),
    Scope("nowhere"),
]
EVERYTHING = Scope()


@pytest.fixture
def entries() -> list[Entry]:
    return [write(1, on=Target("thing", str(n), place=place))[0] for n, place in enumerate(PLACES)]


@pytest.mark.parametrize("bounds", [EVERYTHING, Scope("prod*"), Scope("*", "payments.q")])
@pytest.mark.parametrize("grants", [[scope] for scope in SCOPES] + [[], SCOPES[1:3], [SCOPES[9], SCOPES[0]]])
def test_rows_are_those_that_may_allows(entries: list[Entry], grants: list[Scope], bounds: Scope) -> None:
    subject = Subject(
        Kind.PERSON,
        "1",
        "ana",
        tuple(Grant("reader", frozenset({Permission.READ_AUDIT}), scope) for scope in grants),
        bounds=bounds,
    )
    seen = set(Entry.objects.filter(selectors.visible(subject)).values_list("sequence", flat=True))
    allowed = {
        entry.sequence
        for entry, place in zip(entries, PLACES, strict=True)
        if may(subject, Permission.READ_AUDIT, place)
    }
    assert seen == allowed
