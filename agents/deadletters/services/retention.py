"""Letters whose message was handled or thrown away expire. A held one never does, however old it is. What charts are
drawn from is kept for as long as a chart may ask for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from agents.deadletters.models import GroupRate, Letter
from agents.deadletters.services.grouping import STEPS
from agents.deadletters.values import ENDED
from core import clock

BATCH = 500
MINUTE, HOUR = STEPS
# Pages look back a week at most; further back a chart is drawn from hours.
MINUTES_KEPT = timedelta(days=8)


def drop_expired() -> int:
    """Returns how many letters went, with all that belongs to them."""
    now = clock.now()
    before = now - settings.POSTROOM.retention_letters
    _drop_rates(MINUTE, now - MINUTES_KEPT)
    _drop_rates(HOUR, min(before, now - MINUTES_KEPT))
    removed = 0
    while gone := _drop_letters(before):
        removed += gone
    return removed


@transaction.atomic
def _drop_letters(before: datetime) -> int:
    """Their rows are locked first, so that none is restored meanwhile: a held one stays. Those that somebody has locked
    are on their way somewhere, and looked at another time."""
    expired = Letter.objects.select_for_update(skip_locked=True).filter(state__in=ENDED, since__lt=before)
    found = list(expired.values_list("pk", flat=True)[:BATCH])
    Letter.objects.filter(pk__in=found).delete()
    return len(found)


def _drop_rates(seconds: int, before: datetime) -> None:
    old = GroupRate.objects.filter(seconds=seconds, at__lt=before)
    while found := list(old.values_list("pk", flat=True)[:BATCH]):
        GroupRate.objects.filter(pk__in=found).delete()
