"""What a database says when it is away; and a count of the statements that one refused, on every connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.backends.signals import connection_created

from core import metrics

# Django passes psycopg's own errors on as they are where a cursor on the server is closed behind an iterator.
AWAY: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


def count() -> None:
    """From now on, in this process."""
    connection_created.connect(_watch, dispatch_uid="core.database_errors")


def _watch(sender: Any, connection: Any, **_: Any) -> None:
    if _counted not in connection.execute_wrappers:
        connection.execute_wrappers.append(_counted)


def _counted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    try:
        return execute(sql, params, many, context)
    except DatabaseError:
        metrics.DB_ERRORS.labels(context["connection"].alias).inc()
        raise
