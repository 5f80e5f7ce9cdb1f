"""Stuck messages as the watcher finds them, for pages in a browser: `python -m tests.support.stuck_writer STORY`.

Stories: `outage` is a chain of agents behind one that nobody consumes, a handler that hangs and a failing retry;
`more` adds a cause; `deaf` makes the last look old. No watcher runs there: what it renews is dated ahead.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from agents.ledger.api import Kind  # noqa: E402
from agents.ledger.models import Ear  # noqa: E402
from agents.queues.models import BrokerRow, QueueRow, WorkerRow  # noqa: E402
from agents.queues.stuck.looking import Looker  # noqa: E402
from agents.queues.stuck.models import StuckLook  # noqa: E402
from agents.registry.models import Instance  # noqa: E402
from core import clock  # noqa: E402
from dashboard.live.sender import sender  # noqa: E402
from tests.support import stuck  # noqa: E402
from tests.support.ledger_stories import TIMEOUT, by, event, keep  # noqa: E402

RUNNING = [{"id": "1", "task": "postroom.handle"}]
AHEAD = timedelta(minutes=20)


def outage() -> None:
    stuck.well()
    for agent in ("classify", "extract", "store"):
        stuck.alive(agent, running=RUNNING)
        stuck.queue(agent, unacknowledged=1, depth=40)
    stuck.alive("summarise", queues=["other"])
    stuck.queue("summarise", consumers=0, depth=212)
    chain: dict[str, Any] = {"trace_id": "ab" * 16, "workflow": "invoices"}
    keep(
        event("inv-4709", Kind.SENT, ago=262, queue="classify", sender="web", **chain),
        event("inv-4709", Kind.RUNNING, 1, 260, queue="classify", **by("classify"), **chain),
        event(
            "inv-4710", Kind.SENT, ago=258, queue="extract", sender="classify", parent_id="inv-4709", **chain
        ),
        event("inv-4710", Kind.RUNNING, 1, 256, queue="extract", **by("extract"), **chain),
        event(
            "inv-4711", Kind.SENT, ago=252, queue="summarise", sender="extract", parent_id="inv-4710", **chain
        ),
        *(event(f"wait-{each}", Kind.SENT, ago=200 - each, queue="extract") for each in range(12)),
        event("store-1", Kind.SENT, ago=130, queue="store"),
        event("store-1", Kind.RUNNING, 1, 128, queue="store", **by("store")),
        event("again-1", Kind.SENT, ago=40, queue="classify"),
        event(
            "again-1",
            Kind.RETRYING,
            4,
            2,
            error=TIMEOUT,
            due=clock.now() + AHEAD,
            queue="classify",
            **by("classify"),
        ),
    )
    _look()


def more() -> None:
    stuck.queue("mail", there=False)
    keep(event("mail-1", Kind.SENT, ago=30, queue="mail"))
    _look()


def deaf() -> None:
    StuckLook.objects.update(at=clock.now() - timedelta(minutes=3))


def _look() -> None:
    Looker().look()
    ahead = clock.now() + AHEAD
    QueueRow.objects.update(sampled_at=ahead)
    BrokerRow.objects.update(sampled_at=ahead, asked_at=ahead)
    WorkerRow.objects.update(answered_at=ahead)
    Instance.objects.update(last_beat=ahead)
    Ear.objects.update(heard_until=ahead)
    StuckLook.objects.update(at=ahead)


STORIES = {"outage": outage, "more": more, "deaf": deaf}

if __name__ == "__main__":
    STORIES[sys.argv[1]]()
    # The hint leaves with us.
    sender.drain()
