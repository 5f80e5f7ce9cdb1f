"""Find or make the rows of agents, versions and instances, many at once and by several processes at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from agents.registry.models import Agent, AgentVersion, Instance
from agents.registry.values import State


class AgentKey(NamedTuple):
    environment: str
    agent_id: str


class InstanceKey(NamedTuple):
    agent: AgentKey
    instance_id: str


def agents(keys: Iterable[AgentKey], now: datetime) -> dict[AgentKey, Agent]:
    """The agents of these keys; those that nobody knew are there afterwards."""
    wanted = list(dict.fromkeys(keys))
    found = _find_agents(wanted)
    absent = [key for key in wanted if key not in found]
    if not absent:
        return found
    rows = [
        Agent(environment=key.environment, agent_id=key.agent_id, first_seen=now, last_seen=now)
        for key in absent
    ]
    Agent.objects.bulk_create(rows, ignore_conflicts=True)
    return found | _find_agents(absent)


def instances(
    keys: Iterable[InstanceKey], known: dict[AgentKey, Agent], now: datetime
) -> dict[InstanceKey, Instance]:
    """The instances of these keys, of agents that are known; new ones have the state `new`."""
    wanted = list(dict.fromkeys(keys))
    found = _find_instances(wanted, known)
    absent = [key for key in wanted if key not in found]
    if not absent:
        return found
    rows = [
        Instance(agent=known[key.agent], instance_id=key.instance_id, state=State.NEW, since=now)
        for key in absent
    ]
    Instance.objects.bulk_create(rows, ignore_conflicts=True)
    return found | _find_instances(absent, known)


def versions(pairs: Iterable[tuple[Agent, str]], now: datetime) -> None:
    """See that these versions are there, and were seen now."""
    rows = [
        AgentVersion(agent=agent, version=version, first_seen=now, last_seen=now)
        for agent, version in set(pairs)
    ]
    AgentVersion.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["agent", "version"], update_fields=["last_seen"]
    )


def _find_agents(keys: list[AgentKey]) -> dict[AgentKey, Agent]:
    rows = Agent.objects.filter(
        environment__in={key.environment for key in keys}, agent_id__in={key.agent_id for key in keys}
    )
    return {AgentKey(row.environment, row.agent_id): row for row in rows}


def _find_instances(keys: list[InstanceKey], known: dict[AgentKey, Agent]) -> dict[InstanceKey, Instance]:
    names = {agent.pk: key for key, agent in known.items()}
    if not keys:
        return {}
    rows = Instance.objects.filter(
        Q(agent__in=[known[key.agent] for key in keys]), instance_id__in={key.instance_id for key in keys}
    )
    return {InstanceKey(names[row.agent_id], row.instance_id): row for row in rows}
