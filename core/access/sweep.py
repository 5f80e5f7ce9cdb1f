"""What of access expires by itself: sessions that are over, and requests for approval that nobody decided in time."""

from __future__ import annotations

from django.contrib.sessions.models import Session

from core import clock
from core.access.services import approvals
from core.access.services.actor import of_command


def drop_expired() -> int:
    """Ends approvals that are due and removes sessions that are over; how many there were. Safe to repeat."""
    ended = approvals.expire_due(of_command("retention run"))
    gone, _ = Session.objects.filter(expire_date__lt=clock.now()).delete()
    return ended + gone
