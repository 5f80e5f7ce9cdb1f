"""A message of which nothing was heard for as long as the ledger is kept is forgotten, with its events."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from agents.ledger import table
from agents.ledger.models import EventRow, Gap, MessageRow
from agents.ledger.values import micros
from core import clock

# Others write the same database: they wait for one portion, not for all of it.
AT_ONCE = 500


def drop_expired() -> int:
    """Returns how many messages went."""
    before = clock.now() - settings.POSTROOM.retention_ledger
    Gap.objects.filter(until__lt=before).delete()
    gone = 0
    while some := _drop(before):
        gone += some
    return gone


def _drop(before: datetime) -> int:
    with table.alone():
        expired = MessageRow.objects.filter(heard__lt=micros(before)).order_by("heard")
        ids = list(expired.values_list("pk", flat=True)[:AT_ONCE])
        EventRow.objects.filter(message__in=ids)._raw_delete(EventRow.objects.db)
        MessageRow.objects.filter(pk__in=ids)._raw_delete(MessageRow.objects.db)
    return len(ids)
