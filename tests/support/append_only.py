"""The trail refuses to be emptied, also by a test's cleaning up: for that moment its triggers step aside."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.test import TransactionTestCase

from core.access.audit import triggers
from core.databases import DEFAULT

_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def _flush_the_trail_too(self: Any) -> None:
    if DEFAULT not in self.databases:
        return _flush(self)
    triggers.remove(connections[DEFAULT])
    try:
        _flush(self)
    finally:
        triggers.install(connections[DEFAULT])
    return None


def let_tests_clean_up() -> None:
    TransactionTestCase._fixture_teardown = _flush_the_trail_too  # type: ignore[attr-defined]
