"""Fills the ledger of a test's own console: `python -m tests.support.ledger_writer STORY`."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from agents.ledger.api import Kind  # noqa: E402
from agents.ledger.models import Gap  # noqa: E402
from agents.ledger.services import ears  # noqa: E402
from agents.ledger.services.ears import Way, WayKind  # noqa: E402
from core import clock  # noqa: E402
from dashboard.live.sender import sender  # noqa: E402
from tests.support.ledger_stories import by, crowd, event, journey, keep  # noqa: E402


def fleet() -> None:
    journey()
    crowd()
    now = clock.now()
    Gap.objects.create(broker="main", way=WayKind.CELERY, since=now, until=now)
    ears.lost(Way("shop", WayKind.EVENTS), "cannot reach shop: Connection refused")


def goes_on() -> None:
    """The message that waits for mail is received; another one comes."""
    keep(event("mail-1", Kind.RUNNING, 1, **by("mailer", queue="mail", sender="payments")))
    keep(event("late-1", Kind.SENT))


STORIES = {"fleet": fleet, "goes_on": goes_on}

if __name__ == "__main__":
    STORIES[sys.argv[1]]()
    # The hint leaves with us.
    sender.drain()
