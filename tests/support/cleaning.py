"""After a test that committed, its databases are as they were after `migrate`.

Django would truncate every table and make what belongs there in a commit a row: a second for each test. Here only those
tables are emptied that hold something, and what belongs there comes back in one commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.core.management.sql import emit_post_migrate_signal
from django.db import connections, transaction
from django.test import TransactionTestCase

from core.access.audit import triggers
from core.databases import DEFAULT

# What only `migrate` writes.
KEPT = frozenset({"django_content_type", "auth_permission"})


def clean_in_our_way() -> None:
    TransactionTestCase._fixture_teardown = _cleaned  # type: ignore[attr-defined]


def _cleaned(self: Any) -> None:
    for alias in self._databases_names(include_mirrors=False):
        with _open_to_cleaning(alias), transaction.atomic(using=alias):
            _empty(alias)
            emit_post_migrate_signal(verbosity=0, interactive=False, db=alias)


@contextmanager
def _open_to_cleaning(alias: str) -> Iterator[None]:
    """The trail refuses to be emptied, also by a test's cleaning up: for that moment its triggers step aside."""
    if alias != DEFAULT:
        yield
        return
    triggers.remove(connections[alias])
    try:
        yield
    finally:
        triggers.install(connections[alias])


def _empty(alias: str) -> None:
    """In any order: the constraints wait for the end of the transaction."""
    with connections[alias].cursor() as cursor:
        asked = (f"SELECT '{each}' WHERE EXISTS (SELECT 1 FROM \"{each}\")" for each in _tables(alias))
        cursor.execute(" UNION ALL ".join(asked))
        for (table,) in cursor.fetchall():
            cursor.execute(f'DELETE FROM "{table}"')


@cache
def _tables(alias: str) -> list[str]:
    found = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(found) - KEPT)
