"""What the workers do for the trail: verify it, again and again."""

from __future__ import annotations

from celery import shared_task

from core import clock
from core.access.audit import selectors
from core.access.audit.verify import verify_and_remember

# Every so often, but never more than a hundredth of the time: a long trail is read less often.
EVERY_S = 300
SHARE = 100


def is_due(age_s: float, took_ms: int) -> bool:
    """Beat may be a little early."""
    return age_s >= max(EVERY_S * 0.9, SHARE * took_ms / 1000)


@shared_task(name="audit.verify")
def verify_trail() -> None:
    last = selectors.latest_verification()
    if last is None or is_due((clock.now() - last.at).total_seconds(), last.took_ms):
        verify_and_remember()
