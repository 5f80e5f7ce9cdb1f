"""Heartbeats in, transitions out; and the sweep that notices silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.models import Q

from agents.registry.liveness import Change, after_beat, after_silence
from agents.registry.models import Agent, Instance, InstanceChange
from agents.registry.services import known
from agents.registry.services.known import AgentKey, InstanceKey
from agents.registry.values import Heartbeat, State
from core import clock, hints
from core.databases import DEFAULT

SWEEP_BATCH = 500
TRIES = 5
TOPIC = "agents"
MOST_SKEW_MS = 2**31 - 1


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
        _know_versions(latest, agents, rows, now)
        known.seen(agents.values(), now)
        story = [(rows[key], agents[key.agent], latest[key]) for key in sorted(latest)]
        quiet = [each for each in story if after_beat(State(each[0].state), each[2]) is None]
        if _take_quiet(quiet):
            story = [each for each in story if after_beat(State(each[0].state), each[2]) is not None]
        for row, agent, heard in story:
            _take(row, agent, heard)


def _know_versions(
    latest: Mapping[InstanceKey, Heartbeat],
    agents: Mapping[AgentKey, Agent],
    rows: Mapping[InstanceKey, Instance],
    now: datetime,
) -> None:
    """A heartbeat that names no version belongs to the one that its instance is known to be."""
    pairs = {(agents[key.agent], each.version or rows[key].version) for key, each in latest.items()}
    known.seen(known.versions(pairs, now), now)


def sweep(now: datetime | None = None) -> int:
    """Take down who was silent for too long; returns how many. Each change is dated when it became due."""
    moment = now or clock.now()
    overdue = Instance.objects.filter(state=State.UP, due__lt=moment).select_related("agent")
    return sum(_silence(row, moment) for row in overdue[:SWEEP_BATCH])


def _take_quiet(story: Sequence[tuple[Instance, Agent, Heartbeat]]) -> bool:
    """Those that change no state, which are nearly all, in one go and by the same compare-and-set. False: somebody
    came in between, so each must be looked at alone; what was written then is no newer to itself, and stays."""
    if not story:
        return True
    facts = [_facts(row, agent, heard, State(row.state)) for row, agent, heard in story]
    columns = ", ".join(f'"{name}" = %s' for name in facts[0])
    statement = (
        f'UPDATE "{Instance._meta.db_table}" SET {columns} '  # noqa: S608 - names of our own columns
        'WHERE "id" = %s AND "state" = %s AND ("last_beat" IS NULL OR "last_beat" < %s)'
    )
    connection = connections[DEFAULT]
    adapt = connection.ops.adapt_datetimefield_value
    values: list[list[Any]] = [
        [
            adapt(value) if isinstance(value, datetime) else value
            for value in (*said.values(), row.pk, row.state, heard.arrived)
        ]
        for (row, _, heard), said in zip(story, facts, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
        return bool(cursor.rowcount == len(story))


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
    facts = _facts(row, agent, heard, change.to if change else State(row.state))
    # Whoever read the row before another heartbeat was written loses, and has nothing newer to say.
    newer = Q(last_beat__isnull=True) | Q(last_beat__lt=heard.arrived)
    return _set(row, newer, change, facts)


def _facts(row: Instance, agent: Agent, heard: Heartbeat, state: State) -> dict[str, object]:
    """What a heartbeat says of its instance, whose state is then this."""
    return {
        "last_beat": heard.arrived,
        "last_seen": max(heard.arrived, row.last_seen),
        "due": heard.arrived + agent.patience.whole if state is State.UP else None,
        "status": heard.status,
        "load": heard.load,
        "in_flight": heard.in_flight,
        "version": heard.version or row.version,
        "skew_ms": _skew_ms(heard) if heard.at else row.skew_ms,
    }


def _skew_ms(heard: Heartbeat) -> int:
    """A clock can be wrong by more than the column holds."""
    skew = ((heard.at or heard.arrived) - heard.arrived).total_seconds() * 1000
    return round(min(max(skew, -MOST_SKEW_MS), MOST_SKEW_MS))


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
        hints.hint(TOPIC)
    return bool(changed)
