"""What is known around a plan when it is sealed, gathered from the rooms below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from agents.operations import guards
from agents.operations.guards import Consumer, Facts, Target
from agents.operations.models import Item, Plan, PlanPart
from agents.operations.services import inside, reach
from agents.operations.values import PERMISSIONS, Action, Guard, ItemState, Reach
from agents.queues import selectors as queues
from agents.queues.values import QueueKey
from agents.registry import selectors as registry
from agents.registry.models import Agent
from agents.registry.selectors import Known
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
    targets, known = _targets(plan, parts), _known(parts)
    facts = Facts(
        plan.count,
        _with(flagged(plan), flags),
        looked,
        _failed_versions(parts, known),
        _consumers(parts, known),
        [target for target, _ in targets],
        plan.how.halt_when.queue_depth,
        needs,
    )
    rate = min((rate for _, rate in targets if rate), default=None)
    return Found(guards.of_redrive(facts), reach.of(plan, parts, subject, rate), flags, needs)


def running_versions() -> list[Version]:
    """Every version that an instance runs now."""
    return _running(registry.known(Agent.objects.all()))


def flagged(plan: Plan) -> dict[int, int]:
    """How many waiting members bear each combination of flags, as their rows show."""
    rows = Item.objects.filter(plan=plan, state=ItemState.WAITING).exclude(flags=0).order_by()
    return dict(rows.values_list("flags").annotate(number=Count("pk")))


def _running(agents: Iterable[Known]) -> list[Version]:
    return [
        Version(offer.environment, offer.agent_id, offer.version)
        for known in agents
        for offer in known.offers
        if offer.version and any(offer.instances[state] for state in ALIVE)
    ]


def _known(parts: Iterable[PlanPart]) -> dict[tuple[str, str], Known]:
    """The agents whose letters they are, as the registry knows them now."""
    wanted = {(part.environment, part.agent) for part in parts if part.agent}
    agents = Agent.objects.filter(agent_id__in={agent for _, agent in wanted})
    found = {(known.agent.environment, known.agent.agent_id): known for known in registry.known(agents)}
    return {each: found[each] for each in wanted & found.keys()}


def _approval(plan: Plan, parts: Iterable[PlanPart], subject: Subject) -> str:
    """The strictest limit that it passes at any of its places, in words."""
    action = PERMISSIONS[Action(plan.action)]
    passed = (approvals.needed(subject, action, part.place, plan.count) for part in parts)
    limit = min((each for each in passed if each), key=lambda each: each.above, default=None)
    return f"{action} above {limit.above:,}" if limit else ""


def _with(counted: dict[int, int], found: dict[UUID, int]) -> dict[int, int]:
    """Flags that differ are counted on their own: each guard asks for its own."""
    together = dict(counted)
    for flag in found.values():
        together[flag] = together.get(flag, 0) + 1
    return together


def _failed_versions(parts: Iterable[PlanPart], known: Mapping[tuple[str, str], Known]) -> list[str]:
    failed = {Version(part.environment, part.agent, part.version) for part in parts if part.version}
    return sorted(f"{each.agent} {each.version}" for each in failed & {*_running(known.values())})


def _consumers(parts: Iterable[PlanPart], known: Mapping[tuple[str, str], Known]) -> list[Consumer]:
    wanted = sorted({(part.environment, part.agent) for part in parts if part.agent})
    return [_consumer(agent, known.get((environment, agent))) for environment, agent in wanted[:20]]


def _consumer(agent: str, found: Known | None) -> Consumer:
    if found is None or not found.all:
        return Consumer(agent)
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
