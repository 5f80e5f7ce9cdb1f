"""What purged letters carried is destroyed: the record stays, and says so. Nothing brings it back.

Deleting a row leaves its bytes where it stood until something else is written there. So SQLite overwrites what it frees
and empties its log, PostgreSQL is vacuumed, and where contents are sealed their keys, which are stored beside them, go
the same way. SQLite's word index only notes that a word is gone: its segments are merged, which leaves out what is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from agents.deadletters.models import Letter, LetterChange, LetterText, StoredContents
from agents.deadletters.searching import INDEX
from agents.deadletters.values import State
from core import clock, hints

TOPIC = "letters"
BY = "retention"
TABLES = (StoredContents, LetterText)
# Pages that a step of merging writes: other writers have their turn after each.
PAGES = 500


@transaction.atomic
def erase(ids: Collection[UUID], reason: str) -> list[UUID]:
    """Those of these letters that are still purged; one that was restored meanwhile keeps everything."""
    rows = Letter.objects.select_for_update().filter(pk__in=ids, state=State.PURGED)
    taken = list(rows.order_by("pk").values_list("pk", flat=True))
    if not taken:
        return []
    now = clock.now()
    StoredContents.objects.filter(death__letter__in=taken).delete()
    LetterText.objects.filter(letter__in=taken).delete()
    Letter.objects.filter(pk__in=taken, state=State.PURGED).update(state=State.ERASED, since=now)
    LetterChange.objects.bulk_create(
        LetterChange(letter_id=id, before=State.PURGED, after=State.ERASED, at=now, by=BY, reason=reason)
        for id in taken
    )
    hints.hint(TOPIC)
    return taken


def scrub() -> None:
    """After erasing, outside of a transaction: what was freed is no longer in the files."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            _merge_words(cursor)
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for model in TABLES:
            cursor.execute(f"VACUUM {model._meta.db_table}")


def _merge_words(cursor: Any) -> None:
    """All segments of the word index into one. A negative number begins, and a step that changes less than two rows
    found nothing left to do: so says SQLite of fts5's merge."""
    pages, changed = -PAGES, 2
    while changed >= 2:
        before = connection.connection.total_changes
        cursor.execute(f"INSERT INTO {INDEX}({INDEX}, rank) VALUES ('merge', %s)", [pages])  # noqa: S608
        changed, pages = connection.connection.total_changes - before, PAGES
