"""Queues as the sampler leaves them, for pages and programs to show."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from agents.queues.models import QueueRow
from agents.queues.services import standing
from agents.queues.services.cells import put
from agents.queues.services.staffing import keep as keep_workers
from agents.queues.values import QueueState, Tally
from agents.topology.sketch import Sketch
from core import clock
from core.brokers.api import BrokerUrl

BROKER = BrokerUrl("main", "redis://127.0.0.1:1/0")
FIGURES: dict[str, Any] = {
    "kind": "list",
    "environment": "production",
    "unacknowledged": 2,
    "delayed": 0,
    "consumers": 1,
    "in_rate": 4.0,
    "out_rate": 4.0,
    "growth": 0.0,
    "memory": 20_480,
}


def queue(name: str = "extract", depth: int = 12, **more: Any) -> QueueRow:
    """A queue of a broker that answers, sampled now."""
    now = clock.now()
    standing.answers(BROKER, now)
    fields = {"oldest_at": now - timedelta(seconds=40) if depth else None, **FIGURES, **more}
    fields = {"broker": "main", "first_seen": now, "sampled_at": now, **fields}
    return QueueRow.objects.create(name=name, depth=depth, **fields)


def history(row: QueueRow, minutes: int = 120, *, deep: int = 40) -> None:
    """Waves of messages, and what they waited and took; longer stretches as well."""
    last = int(clock.unix()) // 60
    cells: dict[tuple[int, int, int], Tally] = {}
    for back in range(minutes):
        start = last - back
        depth = round(deep * (1 + math.sin(start / 9)) / 2)
        for level in (1, 10, 60):
            cells[level, start - start % level, row.pk] = _tally(depth)
    for back in range(7 * 24):
        start = last - last % 60 - back * 60
        cells[60, start, row.pk] = _tally(round(deep * (1 + math.sin(back / 4)) / 2))
    put(cells)


def _tally(depth: int) -> Tally:
    wait, work = Sketch(), Sketch()
    for number in range(1, 20):
        wait.add(int(depth * number * 2e7) + 1_000_000)
        work.add(number * 30_000_000)
    return Tally(
        samples=12, depth_sum=12 * depth, depth_min=depth // 2, depth_max=depth + 4, depth_last=depth,
        unacked_max=3, age_max=depth / 2, consumers_min=1, consumers_max=2, memory_max=depth * 1_000,
        entered=240.0, left=238.0, counted_s=60.0, wait=wait, work=work,
    )  # fmt: skip


def worker(name: str = "extract-0@node-3", *queues: str, running: int = 1) -> None:
    """It answers now, and works on something."""
    tasks = [
        {
            "id": f"task-{number}",
            "name": "shop.book",
            "delivery_info": {"routing_key": (queues or ("extract",))[0]},
            "time_start": clock.unix() - 40,
            "worker_pid": 4711,
        }
        for number in range(running)
    ]
    about = {"pool": "prefork", "concurrency": 4, "prefetch": 4, "pid": 4700}
    said = [{"name": each} for each in queues or ("extract",)]
    keep_workers("main", {name: said}, {name: tasks}, {name: about})


def state_of(row: QueueRow) -> QueueState:
    from agents.queues import selectors

    return selectors.state_of(row, reachable=True)
