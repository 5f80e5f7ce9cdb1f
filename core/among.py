"""`filter(among("pk", ids))`: as `pk__in=ids`, with all values in one parameter.

An `IN` of a thousand parameters is put together, and read by the database, value by value each time; one array is
neither. For lists that are long and values of a column's own type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Field, Func
from django.db.models.sql.compiler import SQLCompiler

__all__ = ["among", "array"]


class _Among(Func):
    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, values: Iterable[Any], **extra: Any) -> None:
        super().__init__(column, **extra)
        self._values = list(values)

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        column = self.source_expressions[0]
        named, parameters = compiler.compile(column)
        rows, given = array(column.output_field, self._values, connection)
        return f"{named} IN (SELECT value FROM {rows})", [*parameters, given]  # noqa: S608 - our own

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        column = self.source_expressions[0]
        named, parameters = compiler.compile(column)
        given = [column.output_field.get_db_prep_value(value, connection) for value in self._values]
        return f"{named} = ANY(%s::{_type(column.output_field, connection)}[])", [*parameters, given]


def among(column: str, values: Iterable[Any]) -> _Among:
    """A condition on a column of the rows themselves."""
    return _Among(column, values)


def array(field: Field[Any, Any], values: Iterable[Any], connection: BaseDatabaseWrapper) -> tuple[str, Any]:
    """The values as a table with one column, `value`, in the order given, and the parameter that it takes."""
    given = [field.get_db_prep_value(value, connection) for value in values]
    if connection.vendor == "postgresql":
        return f"unnest(%s::{_type(field, connection)}[]) AS given(value)", given
    return "json_each(%s) AS given", json.dumps(given)


def _type(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> str:
    return str(field.rel_db_type(connection))
