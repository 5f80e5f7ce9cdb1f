"""What the workers do for the trail: verify it, again and again."""

from __future__ import annotations

from celery import shared_task

from core import clock
from core.access.audit import selectors
from core.access.audit.verify import period_s, verify_and_remember


@shared_task(name="audit.verify")
def verify_trail() -> None:
    last = selectors.latest_verification()
    # Beat may be a little early.
    if last is None or (clock.now() - last.at).total_seconds() >= 0.9 * period_s(last.took_ms):
        verify_and_remember()
