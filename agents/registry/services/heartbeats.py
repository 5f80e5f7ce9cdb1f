"""Heartbeats in, transitions out; and the sweep that notices silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from agents.registry.liveness import Change, after_beat, after_silence
from agents.registry.models import Agent, Instance, InstanceChange
from agents.registry.services import known
from agents.registry.services.known import AgentKey, InstanceKey
from agents.registry.values import Heartbeat, State
from core import clock

SWEEP_BATCH = 500
TRIES = 5


def beat(heartbeats: Iterable[Heartbeat]) -> None:
    """Keep these heartbeats; committed when it returns.

    Of several of one instance the last to arrive counts, and one that is older than what is known changes
    nothing, so repeating them or mixing up their order does no harm.
    """
    latest: dict[InstanceKey, Heartbeat] = {}
    for each in sorted(heartbeats, key=lambda one: one.arrived):
        latest[InstanceKey(AgentKey(each.environment, each.agent_id), each.instance_id)] = each
    if not latest:
        return
    with transaction.atomic():
        now = clock.now()
        agents = known.agents((key.agent for key in latest), now)
        rows = known.instances(latest, agents, now)
        known.versions(((agents[key.agent], each.version) for key, each in latest.items()), now)
        for key, each in latest.items():
            _take(rows[key], agents[key.agent], each)


def sweep(now: datetime | None = None) -> int:
    """Take down who was silent for too long; returns how many. Each change is dated when it became due."""
    moment = now or clock.now()
    overdue = Instance.objects.filter(state=State.UP, due__lt=moment).select_related("agent")
    return sum(_silence(row, moment) for row in overdue[:SWEEP_BATCH])


def _take(row: Instance, agent: Agent, heard: Heartbeat) -> None:
    """Written against what was read; when the sweep came in between, read and decide again."""
    for _ in range(TRIES):
        if _try(row, agent, heard):
            return
        row.refresh_from_db()
        if row.last_beat and row.last_beat >= heard.arrived:
            return


def _try(row: Instance, agent: Agent, heard: Heartbeat) -> bool:
    change = after_beat(State(row.state), heard)
    state = change.to if change else State(row.state)
    facts = {
        "last_beat": heard.arrived,
        "due": heard.arrived + agent.patience.whole if state is State.UP else None,
        "status": heard.status,
        "load": heard.load,
        "in_flight": heard.in_flight,
        "version": heard.version or row.version,
        "skew_ms": round((heard.at - heard.arrived).total_seconds() * 1000) if heard.at else row.skew_ms,
    }
    # Whoever read the row before another heartbeat was written loses, and has nothing newer to say.
    newer = Q(last_beat__isnull=True) | Q(last_beat__lt=heard.arrived)
    return _set(row, newer, change, facts)


def _silence(row: Instance, now: datetime) -> bool:
    change = after_silence(State(row.state), row.last_beat, row.agent.patience, now)
    if change is None:
        return False
    with transaction.atomic():
        return _set(row, Q(last_beat=row.last_beat), change, {"due": None})


def _set(row: Instance, unless_overtaken: Q, change: Change | None, facts: Mapping[str, object]) -> bool:
    """Compare-and-set: what was read must still be so; the history is written in the same transaction."""
    changes = dict(facts) | ({"state": change.to, "since": change.at} if change else {})
    changed = Instance.objects.filter(unless_overtaken, pk=row.pk, state=row.state).update(**changes)
    if changed and change:
        InstanceChange.objects.create(
            instance=row,
            before=row.state,
            after=change.to,
            at=change.at,
            noticed_at=clock.now(),
            reason=change.reason,
        )
    return bool(changed)
