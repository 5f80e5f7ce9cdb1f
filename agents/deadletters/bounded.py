"""A question that the database may not think about for long: for what is good to know and not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from django.db import OperationalError, connection, transaction

T = TypeVar("T")
# Steps of SQLite's machine between two looks at the clock: a fraction of a millisecond.
STEPS = 20_000


class TooDearError(Exception):
    """It would have taken longer than it may."""


def within(seconds: float, ask: Callable[[], T]) -> T:
    """Raises TooDearError. On PostgreSQL the limit is that of each statement."""
    until = monotonic() + seconds
    try:
        with _sqlite(until) if connection.vendor == "sqlite" else _postgresql(seconds):
            return ask()
    except OperationalError as problem:
        if monotonic() < until:
            raise
        raise TooDearError from problem


@contextmanager
def _sqlite(until: float) -> Iterator[None]:
    connection.ensure_connection()
    raw = connection.connection
    raw.set_progress_handler(lambda: monotonic() >= until, STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, STEPS)


@contextmanager
def _postgresql(seconds: float) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [str(max(1, int(seconds * 1_000)))]
        )
        yield
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")
