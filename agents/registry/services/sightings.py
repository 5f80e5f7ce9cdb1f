"""Agents, versions and instances appear by themselves, from what spans say of who sent them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from agents.registry.models import Agent, AgentVersion, Instance
from agents.registry.services import known
from agents.registry.services.heartbeats import TOPIC
from agents.registry.services.known import AgentKey, InstanceKey
from agents.registry.values import Observation, Sighting
from core import clock, hints

AGAIN_AFTER_SECONDS = 10.0
# A sender can invent agents without end.
MOST_REMEMBERED = 50_000
LENGTHS = (200, 300, 200, 300, 300)


class Memory:
    """What this process has written a moment ago, and need not write again. For one thread."""

    def __init__(self) -> None:
        self._written: OrderedDict[Sighting, float] = OrderedDict()

    def fresh(self, sightings: Iterable[Sighting]) -> set[Sighting]:
        """Those that were not written lately."""
        now = clock.monotonic()
        known_until = self._written.get
        return {each for each in sightings if now >= known_until(each, 0.0)}

    def keep(self, sightings: Iterable[Sighting]) -> None:
        until = clock.monotonic() + AGAIN_AFTER_SECONDS
        for each in sightings:
            self._written[each] = until
            self._written.move_to_end(each)
        while len(self._written) > MOST_REMEMBERED:
            self._written.popitem(last=False)


def see(sightings: Mapping[Sighting, datetime], lately: Memory) -> None:
    """Keep who was seen, and when last; committed when it returns. Seeing the same again changes nothing else."""
    fresh = lately.fresh(sightings)
    if not fresh:
        return
    with transaction.atomic():
        _write({_fitting(each): sightings[each] for each in sorted(fresh)})
    lately.keep(fresh)
    hints.hint(TOPIC)


def observe(observations: Iterable[Observation]) -> None:
    """Note how long the work of these versions took; those that nobody knows are left out."""
    found = {(each.environment, each.agent_id, each.version): each for each in observations}
    rows = AgentVersion.objects.select_related("agent").filter(
        agent__agent_id__in={agent for _, agent, _ in found}, agent__environment__in={e for e, _, _ in found}
    )
    changed = []
    for row in rows:
        each = found.get((row.agent.environment, row.agent.agent_id, row.version))
        if each:
            row.p50_ms, row.p95_ms, row.p99_ms = each.p50_ms, each.p95_ms, each.p99_ms
            row.observed_at = clock.now()
            changed.append(row)
    AgentVersion.objects.bulk_update(changed, ["p50_ms", "p95_ms", "p99_ms", "observed_at"], batch_size=200)


def _fitting(sighting: Sighting) -> Sighting:
    """Cut to what the columns take."""
    return Sighting(*(text[:most] for text, most in zip(sighting, LENGTHS, strict=True)))


def _write(seen: Mapping[Sighting, datetime]) -> None:
    now = clock.now()
    agents = known.agents((_agent(each) for each in seen), now)
    versions = known.versions(((agents[_agent(each)], each.version) for each in seen), now)
    version_of = {(row.agent_id, row.version): row for row in versions}
    instances = known.instances((_instance(each) for each in seen if each.instance_id), agents, now)
    for each, moment in seen.items():
        agent = agents[_agent(each)]
        version, instance = version_of.get((agent.pk, each.version)), instances.get(_instance(each))
        known.seen([row for row in (agent, version, instance) if row], moment)
        _name(agent, each)
        if instance:
            _say_version(instance, each)


def _agent(each: Sighting) -> AgentKey:
    return AgentKey(each.environment, each.agent_id)


def _instance(each: Sighting) -> InstanceKey:
    return InstanceKey(_agent(each), each.instance_id)


def _name(agent: Agent, each: Sighting) -> None:
    """A name that somebody gave on registering stays."""
    if each.name and not agent.name:
        Agent.objects.filter(pk=agent.pk, name="").update(name=each.name)
        agent.name = each.name


def _say_version(instance: Instance, each: Sighting) -> None:
    if each.version and instance.version != each.version:
        Instance.objects.filter(pk=instance.pk).update(version=each.version)
        instance.version = each.version
