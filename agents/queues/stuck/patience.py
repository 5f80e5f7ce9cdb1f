"""How long is too long, learned from a queue's own messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from agents.queues.stuck.values import Patience
from agents.queues.values import Times

# Fewer messages teach nothing.
FEW = 20
ROOM = 3.0
LEAST_WAIT_S, MOST_WAIT_S = 5.0, 120.0
LEAST_WORK_S, MOST_WORK_S = 6.0, 3600.0

Limits = tuple[str, float, float, float]


def of(queue: str, times: Times | None, limits: Iterable[Limits] = ()) -> Patience:
    """What was set for it decides; else what its messages needed, with room."""
    for pattern, wait_s, work_s, retry_s in limits:
        if fnmatchcase(queue, pattern):
            return Patience(wait_s, work_s, retry_s, learned=True)
    usual = Patience()
    if times is None:
        return usual
    wait, work = times.wait, times.work
    learned = work.messages >= FEW and work.p99 is not None
    return Patience(
        _within(wait.p95, LEAST_WAIT_S, MOST_WAIT_S) if wait.messages >= FEW else usual.wait_s,
        _within(work.p99, LEAST_WORK_S, MOST_WORK_S) if learned else usual.work_s,
        usual.retry_s,
        learned,
    )


def _within(seconds: float | None, least: float, most: float) -> float:
    return min(max(least, ROOM * (seconds or 0.0)), most)
