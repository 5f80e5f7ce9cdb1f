"""A new key is taken into use: what older keys sealed, and what was never sealed, is sealed with the newest."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from agents.deadletters import seal
from agents.deadletters.models import StoredContents
from agents.deadletters.seal import ContentKey

BATCH = 100
BLOBS = ("body", "head", "attempts")


@transaction.atomic
def reseal(most: int = BATCH) -> int:
    """Up to `most` contents; returns how many were brought up to date. 0: all are, or there is no key.

    What is sealed with a key that is not there is passed over: it can be read again once the key is back.
    """
    known = {key.id for key in seal.master_keys()}
    if not known:
        return 0
    due = Q(key_id="") | Q(key_id__in=known - {seal.newest_id()})
    rows = list(StoredContents.objects.select_for_update(skip_locked=_skips()).filter(due)[:most])
    for row in rows:
        _reseal(row)
    return len(rows)


def _reseal(row: StoredContents) -> None:
    if row.key_id:
        key = seal.resealed(ContentKey(row.key_id, bytes(row.sealed_key)))
        row.key_id, row.sealed_key = key.id, key.sealed
        row.save(update_fields=["key_id", "sealed_key"])
        return
    key, plain = seal.new_key()
    for name in BLOBS:
        setattr(row, name, seal.shut(seal.unshut(bytes(getattr(row, name)), b""), plain))
    row.key_id, row.sealed_key = key.id, key.sealed
    row.save()


def _skips() -> bool:
    from django.db import connection

    return bool(connection.features.has_select_for_update_skip_locked)
