"""What is known around a plan when it is sealed, gathered from the rooms below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from agents.operations import guards
from agents.operations.guards import Consumer, Facts, Target
from agents.operations.models import Item, Plan, PlanPart
from agents.operations.services import inside, reach
from agents.operations.values import PERMISSIONS, Action, Guard, Reach
from agents.queues import selectors as queues
from agents.queues.values import QueueKey
from agents.registry import selectors as registry
from agents.registry.models import Agent
from agents.registry.values import State as InstanceState
from core import clock
from core.access.api import Subject
from core.access.services import approvals

ALIVE = (InstanceState.UP, InstanceState.LATE)


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
    needs = _approval(plan, parts, subject)
    if plan.action != Action.REDRIVE:
        facts = Facts(plan.count, approval=needs)
        return Found(guards.over_limit(facts), needs_approval=needs)
    looked, flags = inside.look(plan)
    targets = _targets(plan, parts)
    facts = Facts(
        plan.count,
        _with(_flags(plan), flags),
        looked,
        _failed_versions(parts),
        _consumers(parts),
        [target for target, _ in targets],
        plan.how.halt_when.queue_depth,
        needs,
    )
    rate = min((rate for _, rate in targets if rate), default=None)
    return Found(guards.of_redrive(facts), reach.of(plan, parts, subject, rate), flags, needs)


def running_versions() -> list[Version]:
    """Every version that an instance runs now."""
    return [
        Version(offer.environment, offer.agent_id, offer.version)
        for known in registry.known(Agent.objects.all())
        for offer in known.offers
        if offer.version and any(offer.instances[state] for state in ALIVE)
    ]


def _approval(plan: Plan, parts: Iterable[PlanPart], subject: Subject) -> str:
    """The strictest limit that it passes at any of its places, in words."""
    action = PERMISSIONS[Action(plan.action)]
    passed = (approvals.needed(subject, action, part.place, plan.count) for part in parts)
    limit = min((each for each in passed if each), key=lambda each: each.above, default=None)
    return f"{action} above {limit.above:,}" if limit else ""


def _flags(plan: Plan) -> dict[int, int]:
    """How many members bear each combination, as their rows alone show."""
    rows = Item.objects.filter(plan=plan).exclude(flags=0).order_by().values_list("flags")
    return dict(rows.annotate(number=Count("pk")))


def _with(counted: dict[int, int], found: dict[UUID, int]) -> dict[int, int]:
    """Flags that differ are counted on their own: each guard asks for its own."""
    together = dict(counted)
    for flag in found.values():
        together[flag] = together.get(flag, 0) + 1
    return together


def _failed_versions(parts: Iterable[PlanPart]) -> list[str]:
    running = set(running_versions())
    failed = {(part.environment, part.agent, part.version) for part in parts if part.version}
    return sorted(
        f"{agent} {version}" for environment, agent, version in failed & {tuple(each) for each in running}
    )


def _consumers(parts: Iterable[PlanPart]) -> list[Consumer]:
    """The agents whose letters they are, as the registry knows them now."""
    wanted = sorted({(part.environment, part.agent) for part in parts if part.agent})
    return [_consumer(*each) for each in wanted[:20]]


def _consumer(environment: str, agent: str) -> Consumer:
    known = registry.known(Agent.objects.filter(environment=environment, agent_id=agent))
    if not known or not known[0].all:
        return Consumer(agent)
    found = known[0]
    versions = [offer.version for offer in found.offers if offer.version]
    return Consumer(agent, sum(found.states[state] for state in ALIVE), found.all, versions)


def _targets(plan: Plan, parts: Iterable[PlanPart]) -> list[tuple[Target, float | None]]:
    """Each queue that it goes to, and how fast it is emptied."""
    target = plan.how.target_queue
    keys = sorted({(part.broker, target or part.queue) for part in parts})
    return [_target(QueueKey(*key)) for key in keys[:20]]


def _target(key: QueueKey) -> tuple[Target, float | None]:
    state, now = queues.queue(key), clock.now()
    if state is None or not state.is_fresh(now):
        return Target(key.name), None
    return Target(key.name, state.depth if state.there else None, state.age_s(now)), state.out_rate
