"""Writes the queues of a test's own console: `python -m tests.support.queue_writer STORY`.

Stories: `shop` has a queue in every state with a history, workers and messages; `flows` lets one of them fall; `newer`
adds one; `away` loses the broker; `many NUMBER` adds so many.
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
from agents.queues.models import QueueRow  # noqa: E402
from agents.queues.services import sampling, standing  # noqa: E402
from core import clock, hints  # noqa: E402
from tests.support import queue_rows  # noqa: E402
from tests.support.ledger_stories import event, keep  # noqa: E402

# Every page is looked at long after the story was told: its figures stay fresh for a day.
LATER = timedelta(days=1)


def shop() -> None:
    now = clock.now()
    flowing = queue_rows.queue(
        "extract", 12, sampled_at=now + LATER, oldest_at=now + LATER - timedelta(seconds=9)
    )
    queue_rows.history(flowing, 90)
    states: dict[str, dict[str, Any]] = {
        "payments": {"depth": 212, "consumers": 0, "in_rate": 3.2, "out_rate": 0.0, "growth": 3.2},
        "thumbnails": {"depth": 4812, "in_rate": 62.0, "out_rate": 50.0, "growth": 12.0, "consumers": 3},
        "summarise": {"depth": 960, "in_rate": 2.0, "out_rate": 6.0, "growth": -4.0, "consumers": 2},
        "mail": {"depth": 0, "in_rate": 0.4, "out_rate": 0.4, "unacknowledged": 0},
        "legacy.import": {"depth": 31, "consumers": None, "in_rate": None, "out_rate": None, "growth": None},
        "audio/transcribe": {"depth": 40, "out_rate": 0.0, "in_rate": 0.0, "growth": 0.0},
    }
    for name, more in states.items():
        at = now + LATER
        row = queue_rows.queue(name, **{"sampled_at": at, "oldest_at": at - timedelta(minutes=4), **more})
        queue_rows.history(row, 90, deep=max(3, int(more["depth"] or 0)))
    queue_rows.worker("extract-0@node-3", "extract", running=2)
    queue_rows.worker("extract-1@node-4", "extract", running=1)
    for number in range(6):
        keep(
            event(
                f"0192aa00-0000-7000-8000-00000000000{number}",
                Kind.SENT,
                ago=30 + 20 * number,
                workflow="invoices",
            )
        )


def flows() -> None:
    QueueRow.objects.filter(name="payments").update(depth=180, consumers=2, growth=-6.0, out_rate=9.0)
    hints.hint(sampling.TOPIC)


def newer() -> None:
    queue_rows.queue("brand.new", 1, sampled_at=clock.now() + LATER)
    hints.hint(sampling.TOPIC)


def away() -> None:
    standing.is_away(queue_rows.BROKER, "cannot reach main: connection refused")


def back() -> None:
    standing.answers(queue_rows.BROKER, clock.now())


def many(number: str) -> None:
    now = clock.now()
    for each in range(int(number)):
        row = queue_rows.queue(f"tenant-{each:04d}", each % 50, sampled_at=now + LATER)
        queue_rows.history(row, 60)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
