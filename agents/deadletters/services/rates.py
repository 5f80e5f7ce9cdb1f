"""Deaths by minute and hour go from one group to another, in the database itself: there are thousands of such rows, and
bringing each here and back would take longer than all else that a move does. Whoever calls holds both groups locked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from agents.deadletters.models import GroupRate

# (seconds, moment, version) → deaths.
Rates = Mapping[tuple[int, datetime, str], int]
T = GroupRate._meta.db_table
# The row of one group for what a row of the other one, or a wanted one, is for.
_SAME = "{0}.seconds = {1}.seconds AND {0}.at = {1}.at AND {0}.version = {1}.version"
_ADDED = (
    f"INSERT INTO {T} (group_id, seconds, at, version, deaths) SELECT %s, s.seconds, s.at, s.version, {{}} "  # noqa: S608
    f"FROM {{}} ON CONFLICT (group_id, seconds, at, version) DO UPDATE SET deaths = {T}.deaths + excluded.deaths"
)
_LESS = "CASE WHEN {0}.deaths < {1}.deaths THEN {0}.deaths ELSE {1}.deaths END"


def carry(rates: Rates, source: UUID, into: UUID) -> None:
    """So many deaths, or as many as `source` has there: minutes are dropped earlier than deaths."""
    wanted, given = _wanted(rates)
    less = _LESS.format("s", "w")
    found = f"wanted w CROSS JOIN {T} s WHERE s.group_id = %s AND {_SAME.format('s', 'w')}"
    _run(f"{wanted} {_ADDED.format(less, found)}", given, _id(into), _id(source))
    _run(
        f"{wanted} UPDATE {T} SET deaths = {T}.deaths - {_LESS.format(T, 'w')} FROM wanted w "  # noqa: S608
        f"WHERE {T}.group_id = %s AND {_SAME.format(T, 'w')}",
        given,
        _id(source),
    )
    _run(
        f"{wanted} DELETE FROM {T} WHERE group_id = %s AND deaths = 0 AND at IN (SELECT at FROM wanted)",  # noqa: S608
        given,
        _id(source),
    )


def copy(source: UUID, into: UUID) -> None:
    """All that `source` has is added to `into`, and `source` keeps it."""
    _run(_ADDED.format("s.deaths", f"{T} s WHERE s.group_id = %s"), _id(into), _id(source))


def take_back(source: UUID, into: UUID) -> None:
    """What `copy` added goes out of `into` again, as much as is still there; and that is what `source` has."""
    same = _SAME.format("o", T)
    there = f"COALESCE((SELECT o.deaths FROM {T} o WHERE o.group_id = %s AND {same}), 0)"  # noqa: S608
    _run(
        f"UPDATE {T} SET deaths = CASE WHEN deaths < {there} THEN deaths ELSE {there} END "  # noqa: S608
        "WHERE group_id = %s",
        *(_id(into), _id(into), _id(source)),
    )
    _run(
        f"UPDATE {T} SET deaths = deaths - {there} WHERE group_id = %s",  # noqa: S608
        *(_id(source), _id(into)),
    )
    _run(f"DELETE FROM {T} WHERE group_id IN (%s, %s) AND deaths = 0", _id(source), _id(into))  # noqa: S608


def _wanted(rates: Rates) -> tuple[str, str]:
    """A table of them, and its parameter."""
    at = GroupRate._meta.get_field("at")
    rows = [
        [seconds, str(at.get_db_prep_value(moment, connection)), version, deaths]
        for (seconds, moment, version), deaths in rates.items()
    ]
    given = json.dumps(rows)
    if connection.vendor == "postgresql":
        columns = "(r->>0)::int seconds, (r->>1)::timestamptz at, r->>2 AS version, (r->>3)::int deaths"
        return f"WITH wanted AS (SELECT {columns} FROM json_array_elements(%s::json) r)", given  # noqa: S608
    names = ("seconds", "at", "version", "deaths")
    columns = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(names))
    return f"WITH wanted AS (SELECT {columns} FROM json_each(%s))", given  # noqa: S608


def _id(group: UUID) -> Any:
    return GroupRate._meta.get_field("group").get_db_prep_value(group, connection)


def _run(statement: str, *given: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(given))
