"""What the registry answers: versions of agents that can do a job, whom to ask first first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload


@dataclass(frozen=True, slots=True)
class Offer:
    """A version of an agent. `share` is its part of the traffic among those that it was found with.

    `raw` is the whole answer, with what this class has no field for.
    """

    agent_id: str
    version: str = ""
    environment: str = ""
    endpoint: str = ""
    health_check_url: str = ""
    state: str = "new"
    capabilities: tuple[str, ...] = ()
    weight: int = 100
    share: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one version from all others."""
        return (self.environment, self.agent_id, self.version)


@dataclass(frozen=True, slots=True)
class Found(Sequence[Offer]):
    """Offers, and how old the answer is. `away` says why the registry could not be asked just now."""

    offers: tuple[Offer, ...] = ()
    age: float = 0.0
    away: str = ""

    @overload
    def __getitem__(self, place: int) -> Offer: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Offer, ...]: ...
    def __getitem__(self, place: int | slice) -> Offer | tuple[Offer, ...]:
        return self.offers[place]

    def __len__(self) -> int:
        return len(self.offers)

    def __iter__(self) -> Iterator[Offer]:
        return iter(self.offers)


def offer(said: Mapping[str, Any]) -> Offer:
    """One result of `GET /api/v1/agents`. Pure; a field that is missing is empty."""
    latency = said.get("latency") or {}
    return Offer(
        agent_id=str(said["agent_id"]),
        version=str(said.get("version") or ""),
        environment=str(said.get("environment") or ""),
        endpoint=str(said.get("endpoint") or ""),
        health_check_url=str(said.get("health_check_url") or ""),
        state=str(said.get("state") or "new"),
        capabilities=tuple(said.get("capabilities") or ()),
        weight=int(said.get("weight", 100)),
        share=float(said.get("share") or 0.0),
        p50_ms=latency.get("p50_ms"),
        p95_ms=latency.get("p95_ms"),
        p99_ms=latency.get("p99_ms"),
        id=str(said.get("id") or ""),
        raw=said,
    )
