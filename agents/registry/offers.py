"""Who can do a job, and whom to ask first: decided from what is known of versions. Pure.

The order is the same for everybody who asks with the same key: healthy before unhealthy; then by weight; then
fast before slow, a newer version before an older one, and the agent's id as the last word. Without a key the
heaviest comes first. With one (a message's id, an instance's name) every key has an order of its own in which a
version is first as often as its weight says: the same key meets the same version as long as weights stay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID

from agents.registry.values import State
from agents.registry.versions import VersionRange, parse

# The better of two states first; what a version is, is the best that one of its instances is.
BEST_FIRST = (State.UP, State.LATE, State.NEW, State.PAUSED, State.DOWN)
NOBODY_KNOWS = math.inf
ANY_VERSION = VersionRange("")


class Quantile(StrEnum):
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"


@dataclass(frozen=True, slots=True)
class Latency:
    """Observed on real spans, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    observed_at: datetime

    def of(self, quantile: Quantile) -> float:
        return {Quantile.P50: self.p50_ms, Quantile.P95: self.p95_ms, Quantile.P99: self.p99_ms}[quantile]


@dataclass(frozen=True, slots=True)
class Probe:
    """What the health check answered last."""

    ok: bool
    said: str
    took_ms: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A version of an agent, as whoever looks for one finds it."""

    id: UUID
    version_id: int
    agent_id: str
    environment: str
    version: str
    last_seen: datetime
    name: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    endpoint: str = ""
    health_check_url: str = ""
    weight: int = 100
    drained: bool = False
    # How many instances there are in each state.
    instances: Mapping[State, int] = field(default_factory=dict)
    latency: Latency | None = None
    probe: Probe | None = None

    @property
    def state(self) -> State:
        """As its instances beat; the health check speaks for a version that has none that ever did."""
        beating = [state for state in BEST_FIRST if state is not State.NEW and self.instances.get(state)]
        if beating:
            return beating[0]
        if self.probe:
            return State.UP if self.probe.ok else State.DOWN
        return State.NEW

    @property
    def rank(self) -> int:
        """0 is healthy. One whose health check fails is no better than a late one."""
        rank = BEST_FIRST.index(self.state)
        return max(rank, 1) if self.probe and not self.probe.ok else rank

    @property
    def count(self) -> int:
        return sum(self.instances.values())

    @property
    def open(self) -> bool:
        """Is it to get traffic at all?"""
        return not self.drained and self.weight > 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for."""

    capability: str = ""
    version: VersionRange = ANY_VERSION
    status: State | None = None
    max_latency_ms: float | None = None
    quantile: Quantile = Quantile.P95
    key: str = ""
    # Drained versions and those without weight as well.
    closed_too: bool = False

    def fits(self, offer: Offer) -> bool:
        return (
            (self.closed_too or offer.open)
            and (not self.capability or self.capability in offer.capabilities)
            and (self.status is None or offer.state is self.status)
            and self._fast_enough(offer)
            and self.version.allows(offer.version)
        )

    def _fast_enough(self, offer: Offer) -> bool:
        """Of a version that nobody has called nothing is known; left out, nobody ever would."""
        if self.max_latency_ms is None or offer.latency is None:
            return True
        return offer.latency.of(self.quantile) <= self.max_latency_ms


def choose(offers: Iterable[Offer], wanted: Wanted) -> list[Offer]:
    """Those that fit, whom to ask first first."""
    return sorted((offer for offer in offers if wanted.fits(offer)), key=lambda offer: order(offer, wanted))


def order(offer: Offer, wanted: Wanted) -> tuple[int, float, float, int, str, str, int]:
    """What offers are sorted by."""
    latency = offer.latency.of(wanted.quantile) if offer.latency else NOBODY_KNOWS
    return (offer.rank, _turn(offer, wanted.key), latency, *_age(offer), offer.agent_id, offer.version_id)


def shares(offers: Sequence[Offer]) -> dict[int, float]:
    """Of the traffic of these offers, how much each is to get: weights among the healthiest, by version id."""
    best = min((offer.rank for offer in offers if offer.open), default=0)
    weights = {offer.version_id: offer.weight if offer.open and offer.rank == best else 0 for offer in offers}
    whole = sum(weights.values()) or 1
    return {version: weight / whole for version, weight in weights.items()}


def _turn(offer: Offer, key: str) -> float:
    """Weighted rendezvous: of all keys, the smallest turn falls to a version as often as its weight says."""
    if not key or not offer.weight:
        return -float(offer.weight)
    named = f"{key}\0{offer.id}\0{offer.version}".encode()
    chance = (int.from_bytes(blake2b(named, digest_size=8).digest(), "big") + 1) / (2**64 + 1)
    return -math.log(chance) / offer.weight


def _age(offer: Offer) -> tuple[int, str]:
    """Newer versions are smaller. What is no version comes after all that are."""
    found = parse(offer.version)
    if found is None:
        return (1, offer.version)
    parts = (*found.release, 0, 0, 0, 0)[:4]
    # A pre-release is older than what it came before.
    return (0, ".".join(f"{10**9 - min(part, 10**9):010d}" for part in parts) + ".~" * found.is_prerelease)
