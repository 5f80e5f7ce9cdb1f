"""Which faults come in which run: drawn from a seed. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from postroom.drills.faults import company
from postroom.drills.faults.causes import CAUSES, Agents, Cause
from postroom.drills.faults.truth import Truths

HEALTHY: Final = "healthy"
# One run in five has no fault.
HEALTHY_SHARE = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A cause, and the agents that it is done to."""

    cause: Cause
    agents: Agents

    @property
    def truths(self) -> Truths:
        return self.cause.truths(self.agents)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in one run; nothing, with no parts."""

    name: str
    parts: Sequence[Part] = ()

    @property
    def truths(self) -> Truths:
        found = [part.truths for part in self.parts]
        return Truths(
            [each for truths in found for each in truths.wanted],
            [each for truths in found for each in truths.besides],
        )

    def __str__(self) -> str:
        where = "; ".join(", ".join(part.agents) for part in self.parts if len(part.agents) <= 3)
        return f"{self.name} ({where})" if where else self.name


def draw(runs: int, seed: int) -> list[Fault]:
    """Causes come evenly, in an order and at agents that chance has chosen; every fifth run or so is healthy."""
    chance = random.Random(seed)  # noqa: S311 - the same seed, the same runs
    names = [HEALTHY] * math.ceil(runs / HEALTHY_SHARE)
    while len(names) < runs:
        names += chance.sample([*CAUSES], min(len(CAUSES), runs - len(names)))
    chance.shuffle(names)
    return [_fault(name, chance) for name in names]


def _fault(name: str, chance: random.Random) -> Fault:
    causes = CAUSES.get(name, ())
    parts = _parts(causes, chance)
    while not apart(parts):
        parts = _parts(causes, chance)
    return Fault(name, parts)


def _parts(causes: Sequence[Cause], chance: random.Random) -> tuple[Part, ...]:
    return tuple(Part(cause, tuple(cause.pick(chance))) for cause in causes)


def apart(parts: Sequence[Part]) -> bool:
    """Whether none of several faults keeps messages away from another: each is on the way of a kind of its own."""
    if len(parts) < 2:
        return True
    branches = [company.kind_of(agent) for part in parts for agent in part.agents]
    return "" not in branches and len(set(branches)) == len(branches)
