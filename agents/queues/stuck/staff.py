"""Who takes from which queue, with what heartbeats and workers say of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Q

from agents.queues.stuck.candidates import Where
from agents.queues.stuck.takers import BEAT_LATE_S, in_vain
from agents.queues.stuck.values import InstanceFacts
from agents.queues.values import BrokerState, Worker
from agents.queues.workers import agent_of
from agents.registry.models import Instance
from agents.registry.values import State
from core import live_redis, processes

# Older instances say nothing about now.
LATELY = timedelta(hours=1)
# Of those that are gone only the last to go count: before them others may have gone for good.
TOGETHER = timedelta(seconds=60)
# One round of questions that was not answered may be chance.
MISSED_S = 4.0
ASKED_LATELY_S = 15.0
BEATS_WITHIN_S = 15.0
STOPPING = "stopping"
ALONE = frozenset({"solo"})
# So many that live without answering, where nobody answers, are no chance: the way to the broker is cut for all.
PROVE_IT = 2


@dataclass(slots=True)
class Staff:
    """Everybody of whom something was heard lately."""

    now: datetime
    instances: dict[tuple[str, str], Instance] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    brokers: dict[str, BrokerState] = field(default_factory=dict)
    beats_age_s: float | None = None
    beats_heard: bool = False
    _cut: dict[str, bool] = field(default_factory=dict)

    def takers(self, where: Where, handlers: Collection[str] = ()) -> tuple[InstanceFacts, ...]:
        """Those who consume the queue or did when they were heard last: by what workers say, by the queue's name, and
        those who had its messages in hand (`handlers`)."""
        found: dict[str, InstanceFacts] = {}
        for worker in self.workers:
            row = self._instance_of(worker, where.environment)
            named = row is not None and row.agent.agent_id == where.queue
            if worker.broker == where.broker and (where.queue in worker.queues or named):
                facts = self._facts(row, worker, where.queue)
                found[facts.name] = facts
        for (environment, name), row in self.instances.items():
            mine = row.agent.agent_id == where.queue or name in handlers
            if environment == where.environment and mine and name not in found:
                found[name] = self._facts(row, self._worker_of(name, where.broker), where.queue)
        return self._last(found.values())

    def holder(self, environment: str, broker: str, instance: str, queue: str) -> InstanceFacts | None:
        row, worker = self.instances.get((environment, instance)), self._worker_of(instance, broker)
        return self._facts(row, worker, queue) if row or worker else None

    def _facts(self, row: Instance | None, worker: Worker | None, queue: str) -> InstanceFacts:
        facts = _of_instance(row, self.now) if row else _of_worker(worker)
        if worker is None:
            return facts
        asked = self._asked(facts, worker, queue)
        return replace(asked, with_others=True) if self._all_cut_off(worker.broker) else asked

    def _all_cut_off(self, broker: str) -> bool:
        """Does nobody answer over this broker any more, while some beat on? Then whoever else lives is cut off like
        them, and need not first be heard of again itself."""
        if broker not in self._cut:
            self._cut[broker] = self._silent_alive(broker) >= PROVE_IT
        return self._cut[broker]

    def _silent_alive(self, broker: str) -> int:
        """How many beat after they were asked in vain; none where anybody answered."""
        found = 0
        for worker in self.workers:
            row = self._row_of(worker) if worker.broker == broker else None
            if row is None:
                continue
            facts = self._asked(_of_instance(row, self.now), worker, "")
            if facts.answers:
                return 0
            found += in_vain(facts) and not facts.stopped and (facts.beat_s or 0.0) <= BEAT_LATE_S
        return found

    def _asked(self, facts: InstanceFacts, worker: Worker, queue: str) -> InstanceFacts:
        """With what the worker answered, or that it did not."""
        broker = self.brokers.get(worker.broker)
        if broker is None or broker.asked_at is None:
            return facts
        asked = (self.now - broker.asked_at).total_seconds()
        silent = (self.now - worker.answered_at).total_seconds()
        if asked > ASKED_LATELY_S:
            return facts
        answers = (broker.asked_at - worker.answered_at).total_seconds() <= MISSED_S
        if not answers and worker.pool in ALONE:
            return facts
        return replace(
            facts,
            answers=answers,
            silent_asks_s=0.0 if answers else silent,
            consumes=queue in worker.queues if answers else None,
            slots=worker.concurrency if answers else None,
            running=len(worker.running) if answers else None,
            asked_age_s=silent if answers else asked,
        )

    def _instance_of(self, worker: Worker, environment: str) -> Instance | None:
        """The library's workers are called after their instance; of a plain one the whole name is the instance."""
        before = worker.name.partition("@")[0]
        return self.instances.get((environment, before)) or self.instances.get((environment, worker.name))

    def _row_of(self, worker: Worker) -> Instance | None:
        """Its instance, in whichever environment."""
        environments = {environment for environment, _ in self.instances}
        found = (self._instance_of(worker, environment) for environment in environments)
        return next((row for row in found if row), None)

    def _worker_of(self, instance: str, broker: str) -> Worker | None:
        mine = (each for each in self.workers if not broker or each.broker == broker)
        return next((each for each in mine if instance in {each.name, each.name.partition("@")[0]}), None)

    def _last(self, found: Iterable[InstanceFacts]) -> tuple[InstanceFacts, ...]:
        """Those that live, and of the others the last that were heard of."""
        each = sorted(found, key=_silence)
        if not each:
            return ()
        until = _silence(each[0]) + TOGETHER.total_seconds()
        return tuple(one for one in each if _silence(one) <= until)


def read(
    environments: Collection[str], brokers: dict[str, BrokerState], workers: list[Worker], now: datetime
) -> Staff:
    """`environments`: those whose instances matter."""
    recent = Q(last_seen__gte=now - LATELY) | Q(state__in=(State.UP, State.PAUSED))
    rows = Instance.objects.filter(recent, agent__environment__in=environments).select_related("agent")
    instances = {(row.agent.environment, row.instance_id): row for row in rows[:5_000]}
    newest = (
        Instance.objects.exclude(last_beat=None)
        .order_by("-last_beat")
        .values_list("last_beat", flat=True)
        .first()
    )
    age = (now - newest).total_seconds() if newest else None
    heard = age is not None and (age <= BEATS_WITHIN_S or _intake_is_up())
    lately = [each for each in workers if now - each.answered_at <= LATELY]
    return Staff(now, instances, lately, brokers, age, heard)


def _intake_is_up() -> bool:
    try:
        found = processes.all()
    except live_redis.Unreachable:
        return False
    return any(each.kind is processes.Kind.INTAKE and each.state is processes.State.UP for each in found)


def _of_instance(row: Instance, now: datetime) -> InstanceFacts:
    beat = (now - row.last_beat).total_seconds() if row.last_beat else None
    return InstanceFacts(
        row.agent.agent_id,
        row.instance_id,
        beat_s=beat,
        down=row.state == State.DOWN,
        paused=row.state == State.PAUSED,
        stopped=row.state == State.DOWN and row.status == STOPPING,
        link=f"/agents/{row.agent.pk}",
    )


def _of_worker(worker: Worker | None) -> InstanceFacts:
    assert worker is not None
    return InstanceFacts(agent_of(worker.name), worker.name)


def _silence(each: InstanceFacts) -> float:
    said = [
        seconds
        for seconds in (each.beat_s, each.asked_age_s if each.answers else None)
        if seconds is not None
    ]
    return min(said, default=0.0)
