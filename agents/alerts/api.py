"""The front door of alerts: how a room offers something to be watched, and who tells people.

A measure is asked by the watcher every few seconds, from one thread. It answers for everything at once (the rules
choose among it), reads only through selectors, changes nothing, and takes a fraction of a second. What it cannot know
it leaves to `Readings.missing` or to a reading without a value: an unknown neither fires nor clears. Nothing measured
and nothing missing means that nothing is there, and what stood about it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from agents.alerts.values import Handed, Readings, Signal

__all__ = ["Envelope", "Measure", "Messenger", "measures", "offer"]

# The moment, and the stretch of time behind it that the rule looks at.
Measure = Callable[[datetime, timedelta], Readings]

_measures: dict[Signal, Measure] = {}


class TakenError(Exception):
    """Another room measures this signal already. Each signal has one measure."""


def offer(signal: Signal, measure: Measure) -> None:
    """Offer a measure of a signal. The same one again is fine."""
    if _measures.get(signal, measure) is not measure:
        raise TakenError(f"{signal} is measured already.")
    _measures[signal] = measure


def measures() -> dict[Signal, Measure]:
    return dict(_measures)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A notice as a channel is handed it. `id` is the same however often it is handed over."""

    id: str
    title: str
    text: str
    # What programs read, as bytes that were made once: every attempt sends the very same.
    body: bytes
    severity: str
    over: bool = False


class Messenger(Protocol):
    """Hands notices to one channel's other side.

    Blocks for a bounded time. Never raises for what the other side does: that is `Handed`. Not idempotent by itself:
    a crash in between is repeated with the same id, by which the other side can tell.
    """

    def hand_over(self, envelope: Envelope) -> Handed: ...
