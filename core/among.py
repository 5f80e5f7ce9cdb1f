"""`filter(among("pk", ids))`: as `pk__in=ids`, with all values in one parameter.

An `IN` of a thousand parameters is put together, and read by the database, value by value each time; one array is
neither. For lists that are long and values of a column's own type. Who asks for the same values more than once makes
them `Listed`, so that they are put together once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Field, Func, IntegerField, UUIDField
from django.db.models.sql.compiler import SQLCompiler

__all__ = ["Listed", "among", "array", "listed", "still_is"]

T = TypeVar("T")
# What is written in an array as it is: no quotes, no escapes.
_PLAIN = (UUIDField, IntegerField)


class Listed(Generic[T]):
    """Values of one column, for one kind of database."""

    __slots__ = ("_given", "values")

    def __init__(self, values: Iterable[T]) -> None:
        self.values = list(values)
        self._given: Any = None

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[T]:
        return iter(self.values)

    def given(self, field: Field[Any, Any], connection: BaseDatabaseWrapper) -> Any:
        """The one parameter."""
        if self._given is None:
            self._given = _given(field, self.values, connection)
        return self._given


class _Among(Func):
    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, values: Iterable[Any], **extra: Any) -> None:
        super().__init__(column, **extra)
        self._values = listed(values)

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
        given = self._values.given(column.output_field, connection)
        return f"{named} = ANY(%s::{_type(column.output_field, connection)}[])", [*parameters, given]


def among(column: str, values: Iterable[Any]) -> _Among:
    """A condition on a column of the rows themselves."""
    return _Among(column, values)


class _Still(Func):
    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, value: str, **extra: Any) -> None:
        super().__init__(column, **extra)
        self._value = value

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        named, parameters = compiler.compile(self.source_expressions[0])
        return f"{named} || '' = %s", [*parameters, self._value]


def still_is(column: str, value: str) -> _Still:
    """That a column of text has this value, where `among` names the rows and nothing else shall.

    Where few rows have the value, or had it when the database last counted, it would go through the index of that
    column, and with it through all rows that had the value since: each letter is `claimed` for a moment.
    """
    return _Still(column, str(value))


def array(field: Field[Any, Any], values: Iterable[Any], connection: BaseDatabaseWrapper) -> tuple[str, Any]:
    """The values as a table with one column, `value`, in the order given, and the parameter that it takes."""
    given = listed(values).given(field, connection)
    if connection.vendor == "postgresql":
        return f"unnest(%s::{_type(field, connection)}[]) AS given(value)", given
    return "json_each(%s) AS given", given


def listed(values: Iterable[T]) -> Listed[T]:
    """As it is, or made."""
    return values if isinstance(values, Listed) else Listed(values)


def _given(field: Field[Any, Any], values: list[Any], connection: BaseDatabaseWrapper) -> Any:
    postgresql, target = connection.vendor == "postgresql", _target(field)
    if postgresql and isinstance(target, _PLAIN):
        return f"{{{','.join(map(str, values))}}}"
    if isinstance(target, UUIDField):
        return json.dumps([str(value).replace("-", "") for value in values])
    given = [field.get_db_prep_value(value, connection) for value in values]
    return given if postgresql else json.dumps(given)


def _target(field: Field[Any, Any]) -> Field[Any, Any]:
    """A foreign key is of the type of what it names."""
    return getattr(field, "target_field", field)


def _type(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> str:
    return str(field.rel_db_type(connection))
