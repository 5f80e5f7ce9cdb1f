"""Find or make the rows of agents, versions and instances, many at once and by several processes at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from agents.registry.models import Agent, AgentVersion, Instance
from agents.registry.values import State

NOTED_EVERY = timedelta(seconds=5)
Row = Agent | AgentVersion | Instance


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


def versions(pairs: Iterable[tuple[Agent, str]], now: datetime) -> list[AgentVersion]:
    """The versions of these pairs, made where they were not there. Without a name only while the agent has none."""
    wanted = {(agent.pk, version): agent for agent, version in pairs}
    found = _find_versions(wanted)
    named = {agent for agent, version in [*found, *wanted] if version}
    absent = sorted(key for key in wanted.keys() - found.keys() if key[1] or key[0] not in named)
    if not absent:
        return [found[key] for key in wanted if key in found]
    rows = [AgentVersion(agent=wanted[key], version=key[1], first_seen=now, last_seen=now) for key in absent]
    AgentVersion.objects.bulk_create(rows, ignore_conflicts=True)
    found = _find_versions(wanted)
    return [found[key] for key in wanted if key in found]


def seen(rows: Iterable[Row], moment: datetime) -> None:
    """Note that these were seen, where that was not noted lately: it would be a write for each heartbeat."""
    keys: dict[type[Row], list[Any]] = {}
    for row in rows:
        if moment - row.last_seen >= NOTED_EVERY:
            keys.setdefault(type(row), []).append(row.pk)
    for model, some in keys.items():
        model._default_manager.filter(pk__in=some, last_seen__lt=moment).update(last_seen=moment)


def _find_versions(wanted: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], AgentVersion]:
    """Every version of these agents."""
    rows = AgentVersion.objects.filter(agent__in={agent for agent, _ in wanted})
    return {(row.agent_id, row.version): row for row in rows}


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
