"""How often: pure functions of the times that they are given."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.live import limits


@dataclass(slots=True)
class Pace:
    """At most `rate` a second over any longer time.

    Half an interval may be borrowed: a source that itself ticks at the rate would otherwise wait a little longer at
    every tick, until its figures were a whole interval late.
    """

    rate: float = limits.FRAMES_A_SECOND
    _due: float = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next one may go."""
        return max(0.0, self._due - 0.5 / self.rate - now)

    def went(self, now: float) -> None:
        self._due = max(now, self._due) + 1 / self.rate


@dataclass(slots=True)
class Allowance:
    """A client's messages: `at_once` in a burst, `rate` a second over a longer time."""

    rate: float = limits.MESSAGES_A_SECOND
    at_once: float = limits.MESSAGES_AT_ONCE
    _left: float = limits.MESSAGES_AT_ONCE
    _counted: float = float("-inf")

    def take(self, now: float) -> bool:
        """Count one; False when it is one too many."""
        self._left = min(self.at_once, self._left + self.rate * (now - self._counted))
        self._counted = now
        self._left -= 1
        return self._left >= 0
