"""Lines of letters' histories that say the same of many: written in one statement, in the letters' order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

from agents.deadletters.models import Letter, LetterChange
from agents.deadletters.values import State
from core.among import array

COLUMNS = ("before", "after", "at", "by", "reason")


def add_lines(
    ids: Iterable[UUID | str], before: State, after: State, at: datetime, by: str, reason: str
) -> None:
    """What became of each of these letters, as part of the caller's transaction."""
    meta = LetterChange._meta
    said = LetterChange(before=before, after=after, at=at, by=by, reason=reason)
    fields = [field for field in meta.concrete_fields if field.name in COLUMNS]
    values = [field.get_db_prep_save(getattr(said, field.name), connection) for field in fields]
    rows, given = array(Letter._meta.pk, ids, connection)
    names, marks = ", ".join(f'"{name}"' for name in COLUMNS), ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} (letter_id, {names}) SELECT value, {marks} FROM {rows}",  # noqa: S608
            [*values, given],
        )
