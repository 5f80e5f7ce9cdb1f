"""What spans say of agents for the registry: who was seen, and how long each version's own work took lately.

A reader that starts anew fills the memory of the last minutes from its window again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from django.db import DatabaseError

from agents.registry.services.sightings import Memory, observe, see
from agents.registry.values import Observation, Sighting
from agents.spans.values import Span
from agents.topology import halves
from agents.topology.sketch import Sketch, merged
from agents.topology.values import MINUTE
from core import clock

log = structlog.get_logger(__name__)

MINUTES = 10
MOST_VERSIONS = 5_000
REPORT_SECONDS = 30.0
MILLISECOND = 1_000_000


class VersionKey(NamedTuple):
    environment: str
    agent_id: str
    version: str


def sightings(spans: Iterable[Span], now: int) -> dict[Sighting, datetime]:
    """Everyone in these spans, and when last. A clock that runs ahead is not believed."""
    latest: dict[Sighting, int] = {}
    for span in spans:
        if span.agent:
            who = Sighting(span.environment, span.agent, span.version, span.instance, span.agent_name)
            latest[who] = max(latest.get(who, 0), span.end)
    return {who: datetime.fromtimestamp(min(end, now) / 1e9, UTC) for who, end in latest.items()}


class Latencies:
    """The durations of the last minutes, by version."""

    def __init__(self) -> None:
        self._minutes: dict[int, dict[VersionKey, Sketch]] = {}

    def feed(self, spans: Iterable[Span], now: int) -> None:
        """Where an agent's own work begins, its duration counts. What is old or of a wrong clock does not."""
        first, last = now // MINUTE - MINUTES, now // MINUTE
        for span in spans:
            if span.agent and first <= span.start // MINUTE <= last and halves.is_entry(span):
                self._add(span)
        for minute in [each for each in self._minutes if each < first]:
            del self._minutes[minute]

    def observations(self) -> list[Observation]:
        """One for each version that worked within the last minutes."""
        versions = {key for found in self._minutes.values() for key in found}
        return [
            _observation(key, merged(found[key] for found in self._minutes.values() if key in found))
            for key in sorted(versions)
        ]

    def _add(self, span: Span) -> None:
        found = self._minutes.setdefault(span.start // MINUTE, {})
        key = VersionKey(span.environment, span.agent, span.version)
        if key in found or len(found) < MOST_VERSIONS:
            found.setdefault(key, Sketch()).add(span.duration)


class Reporter:
    """Tells the registry what was read. The registry's database may be away: topology goes on without it."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._latencies = Latencies()
        self._reported = 0.0

    def tell(self, spans: Sequence[Span]) -> None:
        now = round(clock.unix() * 1e9)
        self._latencies.feed(spans, now)
        try:
            see(sightings(spans, now), self._memory)
            self._report()
        except DatabaseError as problem:
            # The same agents are seen again with their next spans.
            log.warning("the registry was not told who was seen", problem=str(problem))

    def _report(self) -> None:
        """How long work took, every half minute."""
        if clock.monotonic() - self._reported >= REPORT_SECONDS:
            self._reported = clock.monotonic()
            observe(self._latencies.observations())


def _observation(key: VersionKey, sketch: Sketch) -> Observation:
    quantiles = ((sketch.quantile(share) or 0) / MILLISECOND for share in (0.5, 0.95, 0.99))
    return Observation(*key, *quantiles)
