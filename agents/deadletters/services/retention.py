"""Letters whose message was handled or thrown away expire. A held one never does, however old it is."""

from __future__ import annotations

from django.conf import settings

from agents.deadletters.models import Letter
from agents.deadletters.values import ENDED
from core import clock

BATCH = 500


def drop_expired() -> int:
    """Returns how many letters went, with all that belongs to them."""
    before = clock.now() - settings.POSTROOM.retention_letters
    expired = Letter.objects.filter(state__in=ENDED, since__lt=before)
    removed = 0
    while found := list(expired.values_list("pk", flat=True)[:BATCH]):
        # The state once more: one that was restored meanwhile is held.
        Letter.objects.filter(pk__in=found, state__in=ENDED, since__lt=before).delete()
        removed += len(found)
    return removed
