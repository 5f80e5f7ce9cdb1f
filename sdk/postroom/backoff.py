"""How long to wait before the next attempt. Pure, but for the jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass

_chance = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """2^n times `base` seconds, at most `cap`, of which up to `jitter` (a share) is taken away by chance, so that what
    failed together does not come back together. A message is tried `attempts` times at most.

        >>> Backoff(base=1, cap=60, jitter=0).after(4)
        8.0
        >>> Backoff(jitter=0).after(1, retry_after=30)
        30.0
    """

    base: float = 1.0
    cap: float = 300.0
    jitter: float = 0.5
    attempts: int = 5

    def after(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds from attempt number `attempt` (from 1) to the next; never sooner than the other side asked for."""
        whole = min(self.cap, self.base * 2.0 ** min(attempt - 1, 60))
        waits = whole * (1 - self.jitter * _chance.random()) if self.jitter else whole
        return max(waits, float(retry_after or 0))

    def allows_another(self, attempt: int) -> bool:
        return attempt < self.attempts
