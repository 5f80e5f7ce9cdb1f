"""Deleting very many rows in portions: whoever else writes the same database waits for one of them, not for all."""

from __future__ import annotations

from django.db import connections, models

AT_ONCE = 5_000


def delete_before(model: type[models.Model], column: str, before: int, using: str, also: str = "") -> int:
    """Rows whose `column` is less than `before`; how many went. `also`: a condition of ours, in SQL.

    By the table's own row numbers, since a key of several columns cannot be listed.
    """
    connection, table = connections[using], str(model._meta.db_table)
    row = "ctid" if connection.vendor == "postgresql" else "rowid"
    where = f'{also} AND "{column}" < %s' if also else f'"{column}" < %s'
    statement = (
        f'DELETE FROM "{table}" WHERE {row} IN '  # noqa: S608 - names of ours
        f'(SELECT {row} FROM "{table}" WHERE {where} LIMIT {AT_ONCE})'
    )
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [before])
            gone += int(cursor.rowcount)
            if cursor.rowcount < AT_ONCE:
                return gone
