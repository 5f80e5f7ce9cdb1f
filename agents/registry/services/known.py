"""Find or make the rows of agents, versions and instances, many at once and by several processes at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from agents.registry.models import Agent, AgentVersion, Instance
from agents.registry.values import State

NOTED_EVERY = timedelta(seconds=5)


class AgentKey(NamedTuple):
    environment: str
    agent_id: str


class InstanceKey(NamedTuple):
    agent: AgentKey
    instance_id: str


def agents(keys: Iterable[AgentKey], now: datetime) -> dict[AgentKey, Agent]:
    """The agents of these keys; those that nobody knew are there afterwards."""
    # In one order everywhere, so that two writers never wait for each other's rows.
    wanted = sorted(set(keys))
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
    wanted = sorted(set(keys))
    found = _find_instances(wanted, known)
    absent = [key for key in wanted if key not in found]
    if not absent:
        return found
    rows = [
        Instance(
            agent=known[key.agent], instance_id=key.instance_id, state=State.NEW, since=now, last_seen=now
        )
        for key in absent
    ]
    Instance.objects.bulk_create(rows, ignore_conflicts=True)
    return found | _find_instances(absent, known)


def versions(pairs: Iterable[tuple[Agent, str]], now: datetime) -> None:
    """See that these versions are there."""
    wanted = {(agent.pk, version): agent for agent, version in pairs}
    there = AgentVersion.objects.filter(agent__in={agent.pk for agent in wanted.values()})
    absent = wanted.keys() - set(there.values_list("agent_id", "version"))
    rows = [
        AgentVersion(agent=wanted[key], version=key[1], first_seen=now, last_seen=now)
        for key in sorted(absent)
    ]
    AgentVersion.objects.bulk_create(rows, ignore_conflicts=True)


def seen(rows: Iterable[Agent | AgentVersion | Instance], now: datetime) -> None:
    """Note that these were seen, where that was not noted lately: it would be a write for each heartbeat."""
    keys: dict[type[Agent | AgentVersion | Instance], list[object]] = {}
    for row in rows:
        if now - row.last_seen >= NOTED_EVERY:
            keys.setdefault(type(row), []).append(row.pk)
    for model, some in keys.items():
        model.objects.filter(pk__in=some, last_seen__lt=now).update(last_seen=now)


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
