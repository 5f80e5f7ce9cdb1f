"""A history → the attempts in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from agents.ledger.values import Event, Fault, Kind, Told

ENDS = frozenset(Kind) - {Kind.SENT, Kind.WAITING, Kind.RECEIVED, Kind.RUNNING}


class Attempt(NamedTuple):
    """One try of an agent at a message. Moments are microseconds since 1970, 0 where nobody said."""

    redrive: int
    number: int
    agent: str = ""
    instance: str = ""
    version: str = ""
    host: str = ""
    received: int = 0
    started: int = 0
    ended: int = 0
    outcome: str = ""  # the kind of the event that ended it, or how far it is known to have come
    duration_ms: float | None = None
    error: Fault | None = None

    @property
    def lasted_ms(self) -> float | None:
        """As it was told, else from its own moments."""
        if self.duration_ms is None and self.started and self.ended >= self.started:
            return (self.ended - self.started) / 1000
        return self.duration_ms


def attempts(history: Iterable[Told]) -> list[Attempt]:
    """Every attempt that anybody told of, in order."""
    found: dict[tuple[int, int], Attempt] = {}
    for each in history:
        event = each.event
        if event.attempt:
            key = (event.redrive, event.attempt)
            found[key] = _with(found.get(key, Attempt(*key)), event, each.at)
    return [found[key] for key in sorted(found)]


def _with(known: Attempt, event: Event, at: int) -> Attempt:
    facts = {name: getattr(event, name) for name in ("agent", "instance", "version", "host", "duration_ms")}
    facts |= {"error": event.error, "outcome": str(event.kind)}
    said = {name: value for name, value in facts.items() if value}
    if event.kind is Kind.RECEIVED:
        return known._replace(received=known.received or at, **said)
    if event.kind is Kind.RUNNING:
        return known._replace(started=known.started or at, **said)
    return known._replace(ended=at if event.kind in ENDS else known.ended, **said)
