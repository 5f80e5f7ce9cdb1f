"""What others ask of the registry: who there is, in what state, and who can do a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from agents.registry.liveness import state_at
from agents.registry.models import Agent, AgentVersion, Instance, InstanceChange
from agents.registry.offers import BEST_FIRST, Latency, Offer, Probe, Wanted, choose
from agents.registry.values import State
from core import clock
from core.access.api import Permission, Subject
from core.access.scoping import visible

# Older figures are no figures: a slow version that got no calls may be fast again.
LATENCY_BELIEVED = timedelta(minutes=15)
PROBE_BELIEVED = timedelta(minutes=2)
STOPPING = "stopping"
FIELDS = {"environment": "environment", "agent": "agent_id"}


class Named(NamedTuple):
    """An agent, by what everybody calls it."""

    id: UUID
    environment: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class Known:
    """An agent with all that is known of it now."""

    agent: Agent
    offers: tuple[Offer, ...]
    states: Counter[State]

    @property
    def state(self) -> State:
        """The best of its versions that are to get traffic: that is what callers meet."""
        found = {offer.state for offer in self.offers if offer.open} or {offer.state for offer in self.offers}
        return next((state for state in BEST_FIRST if state in found), State.NEW)

    @property
    def up(self) -> int:
        return self.states[State.UP]

    @property
    def all(self) -> int:
        return sum(self.states.values())


def seen_by(subject: Subject, *permissions: Permission) -> QuerySet[Agent]:
    """The agents that the subject may see, or do any one of these with."""
    wanted = Q(pk__in=())
    for permission in permissions or (Permission.SEE,):
        condition = visible(subject, permission, **FIELDS)
        if not condition:
            return Agent.objects.all()
        wanted |= condition
    return Agent.objects.filter(wanted)


def find(subject: Subject, wanted: Wanted, environment: str = "") -> list[Offer]:
    """Who can do what is wanted, whom to ask first first. The order is told in offers.py."""
    agents = seen_by(subject, Permission.DISCOVER, Permission.SEE)
    if environment:
        agents = agents.filter(environment=environment)
    return choose((offer for each in known(agents) for offer in each.offers), wanted)


def known(agents: Iterable[Agent]) -> list[Known]:
    """All that is known of these agents, in their order."""
    rows = list(agents)
    now = clock.now()
    # Every row when there are many: a list of thousands of ids is no faster.
    only = {"agent__in": rows} if len(rows) < 500 else {}
    versions = _by_agent(AgentVersion.objects.filter(**only))
    instances = _by_agent(Instance.objects.filter(**only))
    return [_known(row, versions.get(row.pk, []), instances.get(row.pk, []), now) for row in rows]


def one(subject: Subject, id: UUID) -> Known | None:
    row = seen_by(subject, Permission.DISCOVER, Permission.SEE).filter(pk=id).first()
    return known([row])[0] if row else None


def instances_of(agent: Agent, limit: int = 200) -> list[tuple[Instance, State]]:
    """Its instances with their states now, those that live first."""
    now = clock.now()
    rows = agent.instances.order_by("-last_seen")[:limit]
    found = [(row, state_now(row, agent, now)) for row in rows]
    return sorted(found, key=lambda each: BEST_FIRST.index(each[1]))


def changes_of(agent: Agent, since: datetime, limit: int = 200) -> list[InstanceChange]:
    """How its instances' states changed, the latest first."""
    rows = InstanceChange.objects.filter(instance__agent=agent, at__gte=since).select_related("instance")
    return list(rows.order_by("-at", "-pk")[:limit])


def environments() -> list[str]:
    """Every environment that an agent was met in."""
    return list(Agent.objects.order_by("environment").values_list("environment", flat=True).distinct())


def missed(now: datetime) -> list[tuple[Named, list[State]]]:
    """Every agent with the states of its instances, whoever may see them: for Postroom's own conclusions. Without
    those that said that they stop: nobody misses them."""
    agents = {
        row.pk: (Named(row.pk, row.environment, row.agent_id), row.patience) for row in Agent.objects.all()
    }
    found: dict[Named, list[State]] = {}
    rows = Instance.objects.exclude(state=State.DOWN, status=STOPPING)
    for agent_id, state, last_beat in rows.values_list("agent_id", "state", "last_beat").iterator(5_000):
        if agent_id in agents:
            named, patience = agents[agent_id]
            found.setdefault(named, []).append(state_at(State(state), last_beat, patience, now))
    return list(found.items())


def state_now(row: Instance, agent: Agent, now: datetime) -> State:
    return state_at(State(row.state), row.last_beat, agent.patience, now)


def _by_agent(rows: QuerySet[AgentVersion] | QuerySet[Instance]) -> dict[UUID, list[AgentVersion | Instance]]:
    found: dict[UUID, list[AgentVersion | Instance]] = {}
    for row in rows.iterator():
        found.setdefault(row.agent_id, []).append(row)
    return found


def _known(agent: Agent, versions: Sequence[object], instances: Sequence[object], now: datetime) -> Known:
    states: dict[str, Counter[State]] = {}
    for row in instances:
        assert isinstance(row, Instance)
        states.setdefault(row.version, Counter())[state_now(row, agent, now)] += 1
    rows = [row for row in versions if isinstance(row, AgentVersion)]
    named = [row for row in rows if row.version]
    # What came before the agent named its version is not a version beside the others.
    offers = tuple(_offer(agent, row, states.get(row.version, Counter()), now) for row in named or rows)
    return Known(agent, offers, sum(states.values(), Counter()))


def _offer(agent: Agent, row: AgentVersion, states: Counter[State], now: datetime) -> Offer:
    return Offer(
        id=agent.pk,
        version_id=row.pk,
        agent_id=agent.agent_id,
        environment=agent.environment,
        version=row.version,
        last_seen=row.last_seen,
        name=agent.name,
        owner=agent.owner,
        labels=agent.labels,
        capabilities=tuple(row.capabilities),
        endpoint=row.endpoint,
        health_check_url=row.health_check_url,
        weight=row.weight,
        drained=row.drained,
        instances=states,
        latency=_latency(row, now),
        probe=_probe(row, now),
    )


def _latency(row: AgentVersion, now: datetime) -> Latency | None:
    if row.observed_at is None or now - row.observed_at > LATENCY_BELIEVED:
        return None
    return Latency(row.p50_ms or 0.0, row.p95_ms or 0.0, row.p99_ms or 0.0, row.observed_at)


def _probe(row: AgentVersion, now: datetime) -> Probe | None:
    if row.probe_ok is None or row.probed_at is None or now - row.probed_at > PROBE_BELIEVED:
        return None
    return Probe(row.probe_ok, row.probe_said, row.probe_ms, row.probed_at)
