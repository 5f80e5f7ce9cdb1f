"""Agents register, change their entry and leave; people drain and weigh versions. All of it is in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from agents.registry.models import Agent, AgentVersion
from agents.registry.services import known
from agents.registry.services.heartbeats import TOPIC
from agents.registry.services.known import AgentKey
from agents.registry.values import Registration
from core import clock, hints
from core.access import scoping
from core.access.api import Permission, Place, Subject, may, require
from core.access.audit.api import Action, Target
from core.access.services import Actor

OF_AGENT = ("name", "owner", "description", "labels", "timeout_s", "grace_s")
OF_VERSION = ("capabilities", "endpoint", "health_check_url", "weight", "drained")
# What decides about traffic, and so is no agent's own affair.
TRAFFIC = frozenset({"weight", "drained"})


class UnknownVersionError(Exception):
    """The agent has no such version."""


@dataclass(frozen=True, slots=True)
class VersionChange:
    """What is to become of one version; fields are those of OF_VERSION."""

    version: str
    fields: Mapping[str, Any]


def home(subject: Subject, stated: str, default: str) -> str:
    """The environment to register in: the stated one, or the only one that the subject may, or the default."""
    return scoping.home(subject, Permission.REGISTER, stated, default)


@transaction.atomic
def register(wanted: Registration, actor: Actor) -> tuple[Agent, bool]:
    """Make the entry, or make it say this; the second value tells whether it is new.

    Registering the same again changes nothing and leaves no trace: every instance does it at its start.
    """
    require(actor.subject, Permission.REGISTER, Place(wanted.environment, agent=wanted.agent_id))
    now = clock.now()
    key = AgentKey(wanted.environment, wanted.agent_id)
    agent = known.agents([key], now)[key]
    agent = Agent.objects.select_for_update().get(pk=agent.pk)
    version = _version(agent, wanted.version, now)
    before = {} if agent.registered_at is None else _values(agent, version)
    new = agent.registered_at is None
    _write(agent, version, wanted, now)
    after = _values(agent, version)
    if after != before:
        action = Action.AGENT_REGISTERED if new else Action.AGENT_CHANGED
        actor.record(action, target(agent), before=before or None, after=after)
        hints.hint(TOPIC)
    return agent, new


@transaction.atomic
def change(agent: Agent, fields: Mapping[str, Any], versions: Sequence[VersionChange], actor: Actor) -> Agent:
    """Change an entry: its own fields, and those of versions, all or nothing."""
    _may_change(agent, versions, actor)
    row = Agent.objects.select_for_update().get(pk=agent.pk)
    _change(row, fields, actor, Action.AGENT_CHANGED, target(row))
    for each in versions:
        found = row.versions.select_for_update().filter(version=each.version).first()
        if found is None:
            raise UnknownVersionError(f"{row.agent_id} has no version {each.version!r}.")
        _change(found, each.fields, actor, _action(each), target(row, each.version))
    hints.hint(TOPIC)
    return row


@transaction.atomic
def deregister(agent: Agent, actor: Actor) -> None:
    """Forget an agent with its versions, instances and their history. It appears again when it is heard again."""
    _may_change(agent, (), actor)
    before, about = {name: getattr(agent, name) for name in OF_AGENT}, target(agent)
    agent.delete()
    actor.record(Action.AGENT_DEREGISTERED, about, before=before)
    hints.hint(TOPIC)


def place_of(agent: Agent) -> Place:
    return Place(agent.environment, agent=agent.agent_id)


def target(agent: Agent, version: str = "") -> Target:
    """How the audit trail names it."""
    name = f"{agent.agent_id} {version}".strip()
    return Target("agent", str(agent.pk), name, place_of(agent))


def _may_change(agent: Agent, versions: Sequence[VersionChange], actor: Actor) -> None:
    """Whoever registers may change the entry; who gets the traffic is for those who manage agents."""
    managed = any(TRAFFIC & each.fields.keys() for each in versions)
    place = place_of(agent)
    if managed or not may(actor.subject, Permission.REGISTER, place):
        require(actor.subject, Permission.MANAGE_AGENTS, place)


def _action(each: VersionChange) -> Action:
    if "drained" in each.fields:
        return Action.VERSION_DRAINED if each.fields["drained"] else Action.VERSION_OPENED
    return Action.VERSION_WEIGHED if "weight" in each.fields else Action.AGENT_CHANGED


def _change(
    row: Agent | AgentVersion, fields: Mapping[str, Any], actor: Actor, action: Action, on: Target
) -> None:
    """Write what differs, and record just that."""
    before = {name: getattr(row, name) for name, value in fields.items() if getattr(row, name) != value}
    if not before:
        return
    after = {name: fields[name] for name in before}
    for name, value in after.items():
        setattr(row, name, value)
    row.save(update_fields=list(after))
    actor.record(action, on, before=before, after=after)


def _version(agent: Agent, version: str, now: datetime) -> AgentVersion:
    """The version's row; an agent that names none and has one gets that one."""
    found = known.versions([(agent, version)], now)
    return found[0] if found else agent.versions.order_by("-last_seen")[0]


def _write(agent: Agent, version: AgentVersion, wanted: Registration, now: datetime) -> None:
    agent.name = wanted.name or agent.name
    agent.owner = wanted.owner or agent.owner
    agent.description = wanted.description or agent.description
    agent.labels = wanted.labels or agent.labels
    if wanted.patience:
        agent.timeout_s = int(wanted.patience.timeout.total_seconds())
        agent.grace_s = int(wanted.patience.grace.total_seconds())
    agent.registered_at = agent.registered_at or now
    agent.last_seen = max(agent.last_seen, now)
    agent.save()
    version.capabilities = sorted(set(wanted.capabilities)) or version.capabilities
    version.endpoint = wanted.endpoint or version.endpoint
    version.health_check_url = wanted.health_check_url or version.health_check_url
    version.last_seen = max(version.last_seen, now)
    version.save()


def _values(agent: Agent, version: AgentVersion) -> dict[str, Any]:
    """What the audit trail compares."""
    of_version = {
        name: getattr(version, name) for name in ("version", "capabilities", "endpoint", "health_check_url")
    }
    return {name: getattr(agent, name) for name in OF_AGENT} | of_version
