"""How fast a queue fills and empties, from its last samples. Pure.

A message that came in and did not leave is waiting, delayed or in hand: `in - out = growth`, always. So of the three
figures two give the third, and growth is known from the samples alone.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

# What rates are taken over: long enough to be calm, short enough to follow.
OVER_SECONDS = 30.0
# Below this nothing is said to grow or shrink.
STILL = 0.05
# A few messages come and go in any queue: with fewer waiting than this, nothing is said to grow.
FEW = 20


class Sample(NamedTuple):
    """`total`: everything that came and did not leave. Counters that only grow, None where nobody counts."""

    at: float
    total: int
    entered: int | None = None
    left: int | None = None


class Rates(NamedTuple):
    """Messages a second; None: not known."""

    entered: float | None = None
    left: float | None = None
    growth: float | None = None


class Step(NamedTuple):
    """What came and went since the sample before; None: not known."""

    entered: float
    left: float
    seconds: float


class Window:
    """One queue's last samples."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def add(self, sample: Sample) -> Step | None:
        before = self._samples[-1] if self._samples else None
        if before is not None and (_began_anew(before, sample) or sample.at - before.at > OVER_SECONDS):
            self._samples.clear()
            before = None
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.at - self._samples[1].at >= OVER_SECONDS:
            self._samples.popleft()
        return _step(before, sample) if before is not None else None

    def rates(self) -> Rates:
        first, last = (self._samples[0], self._samples[-1]) if self._samples else (None, None)
        if first is None or last is None or last.at <= first.at:
            return Rates()
        seconds = last.at - first.at
        growth = (last.total - first.total) / seconds
        step = _step(first, last)
        if step is None:
            return Rates(growth=growth)
        return Rates(max(0.0, step.entered / seconds), max(0.0, step.left / seconds), growth)


def _step(before: Sample, after: Sample) -> Step | None:
    grown = after.total - before.total
    left, entered = _counted(before.left, after.left), _counted(before.entered, after.entered)
    if left is not None:
        return Step(entered if entered is not None else left + grown, left, after.at - before.at)
    if entered is not None:
        return Step(entered, entered - grown, after.at - before.at)
    return None


def _counted(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _began_anew(before: Sample, after: Sample) -> bool:
    """A broker that was started again counts from 0; who counts may also have changed."""
    pairs = ((before.entered, after.entered), (before.left, after.left))
    return any((was is None) != (now is None) or (was or 0) > (now or 0) for was, now in pairs)


class Outlook(NamedTuple):
    """What becomes of a queue when it goes on like this."""

    kind: str  # empty, draining, growing, steady, unknown
    seconds: float | None = None  # until it is empty
    growth: float | None = None  # messages a second


def outlook(waiting: int, growth: float | None) -> Outlook:
    if growth is None:
        return Outlook("unknown")
    if growth > STILL and waiting >= FEW:
        return Outlook("growing", growth=growth)
    if not waiting:
        return Outlook("empty", 0.0, growth)
    if growth < -STILL:
        return Outlook("draining", waiting / -growth, growth)
    return Outlook("steady", growth=growth)
