"""What is known around a plan when it is sealed, gathered from the rooms below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from agents.operations.models import Plan, PlanPart
from agents.operations.values import Guard, Reach
from agents.registry import selectors as registry
from agents.registry.models import Agent
from agents.registry.values import State as InstanceState
from core.access.api import Subject


class Version(NamedTuple):
    """A version of an agent that an instance runs now."""

    environment: str
    agent: str
    version: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that a plan says beside its members."""

    guards: Sequence[Guard] = ()
    reach: Reach = field(default_factory=Reach)
    # Flags of single letters that only looking into them showed.
    flags: dict[UUID, int] = field(default_factory=dict)
    needs_approval: str = ""


def gather(plan: Plan, parts: Sequence[PlanPart], subject: Subject) -> Found:
    """Ask everyone, once."""
    return Found()


def running_versions() -> list[Version]:
    """Every version that an instance runs now."""
    alive = (InstanceState.UP, InstanceState.LATE)
    return [
        Version(offer.environment, offer.agent_id, offer.version)
        for known in registry.known(Agent.objects.all())
        for offer in known.offers
        if offer.version and any(offer.instances[state] for state in alive)
    ]
