"""What others ask of the queues: their last figures with their age, how it went over time, and who consumes.

Those without a subject are for rooms that watch (verdicts, rules); pages and programs ask with theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from agents.queues import tallies
from agents.queues.control.selectors import held
from agents.queues.models import BrokerRow, QueueCell, QueueRow, WorkerRow
from agents.queues.values import (
    BrokerState,
    Point,
    QueueKey,
    QueueKind,
    QueueState,
    Running,
    Tally,
    Times,
    Worker,
    minute_of,
)
from agents.topology.levels import cover
from core import clock
from core.access.api import Permission, Place, Subject
from core.access.scoping import visible
from core.brokers.api import configured

# A queue that its broker has not named for this long is no longer shown.
FORGOTTEN = timedelta(days=1)


def brokers() -> list[BrokerState]:
    """Every configured broker, in the order of the settings. One that was never asked is not reachable."""
    rows = {row.name: row for row in BrokerRow.objects.all()}
    return [
        _broker(rows[each.name]) if each.name in rows else _unasked(each.name, each.kind)
        for each in configured()
    ]


def broker(name: str) -> BrokerState | None:
    return next((each for each in brokers() if each.name == name), None)


def queues() -> list[QueueState]:
    """The last figures of every queue of every configured broker; none before the first sample."""
    return states(QueueRow.objects.all())


def queue(key: QueueKey) -> QueueState | None:
    """The last figures of one queue; None when no broker ever named it."""
    return next(iter(states(QueueRow.objects.filter(broker=key.broker, name=key.name))), None)


def seen_by(subject: Subject) -> QuerySet[QueueRow]:
    """The queues that the subject may see. A queue has no agent: a grant for some agents only does not show it."""
    allowed = visible(subject, Permission.SEE, environment="environment", queue="name")
    return QueueRow.objects.filter(allowed, broker__in=[each.name for each in configured()])


def states(rows: QuerySet[QueueRow]) -> list[QueueState]:
    """These queues as values, by broker and name, without those that are long gone."""
    reachable = {each.name: each.reachable for each in brokers()}
    lately = Q(there=True) | Q(sampled_at__gte=clock.now() - FORGOTTEN)
    found = rows.filter(lately, broker__in=list(reachable)).order_by("broker", "name")
    paused = held()
    return [
        state_of(row, reachable[row.broker], paused=QueueKey(row.broker, row.name) in paused)
        for row in found.iterator()
    ]


def state_of(row: QueueRow, reachable: bool, *, paused: bool = False) -> QueueState:
    return QueueState(
        id=row.pk,
        broker=row.broker,
        name=row.name,
        environment=row.environment,
        kind=QueueKind(row.kind),
        depth=row.depth,
        unacknowledged=row.unacknowledged,
        oldest_at=row.oldest_at,
        oldest_at_least=row.oldest_at_least,
        delayed=row.delayed,
        consumers=row.consumers,
        in_rate=row.in_rate,
        out_rate=row.out_rate,
        growth=row.growth,
        redeliveries=row.redeliveries,
        memory=row.memory,
        sampled_at=row.sampled_at,
        reachable=reachable,
        there=row.there,
        paused=paused,
    )


def place_of(state: QueueState) -> Place:
    return Place(state.environment, state.name)


def history(ids: Collection[int], since: datetime, until: datetime, level: int = 1) -> dict[int, list[Point]]:
    """Samples of these queues (by `id`) in stretches of `level` minutes (1, 10 or 60), the first first. Stretches
    without a sample are left out."""
    rows = _cells(
        ids, Q(level=level, start__gte=minute_of(since) - level + 1, start__lt=minute_of(until) + 1)
    )
    found: dict[int, list[Point]] = {id: [] for id in ids}
    for row in rows:
        found[row.queue_id].append(Point(row.start, row.level, tallies.loaded(row)))
    return found


def totals(ids: Collection[int], since: datetime, until: datetime) -> dict[int, Tally]:
    """What the samples of this time come to; queues without any are left out."""
    wanted = Q(pk__in=())
    for stretch in cover(minute_of(since), minute_of(until) + 1):
        wanted |= Q(level=stretch.level, start__gte=stretch.start, start__lt=stretch.end)
    found: dict[int, Tally] = {}
    for row in _cells(ids, wanted):
        tallies.add(found.setdefault(row.queue_id, Tally()), tallies.loaded(row))
    return found


def times(ids: Collection[int], since: datetime, until: datetime | None = None) -> dict[int, Times]:
    """How long messages waited and took to handle in this time, by queue `id`; no row where none was measured."""
    found = totals(ids, since, until or clock.now())
    return {
        id: tallies.times(tally) for id, tally in found.items() if tally.wait.buckets or tally.work.buckets
    }


def workers(broker: str = "") -> list[Worker]:
    """The Celery workers that answered within a day, by name."""
    rows = WorkerRow.objects.filter(answered_at__gte=clock.now() - FORGOTTEN)
    if broker:
        rows = rows.filter(broker=broker)
    return [worker_of(row) for row in rows.order_by("broker", "name")]


def workers_seen_by(subject: Subject) -> list[Worker]:
    """The workers that consume a queue that the subject may see, without what they do of other queues."""
    names = set(seen_by(subject).values_list("broker", "name"))
    found = [_within(each, {name for broker, name in names if broker == each.broker}) for each in workers()]
    return [each for each in found if each.queues]


def _within(worker: Worker, names: Collection[str]) -> Worker:
    queues = tuple(name for name in worker.queues if name in names)
    running = tuple(each for each in worker.running if each.queue in names)
    return replace(worker, queues=queues, running=running)


def workers_of(key: QueueKey) -> list[Worker]:
    """Those that consume a queue, or did when they answered last."""
    return [each for each in workers(key.broker) if key.name in each.queues]


def worker_of(row: WorkerRow) -> Worker:
    return Worker(
        broker=row.broker,
        name=row.name,
        queues=tuple(row.queues),
        concurrency=row.concurrency,
        pool=row.pool,
        running=tuple(_running(each) for each in row.running),
        answered_at=row.answered_at,
        prefetch=row.prefetch,
        pid=row.pid,
        host=row.host,
    )


def _running(said: dict[str, Any]) -> Running:
    started = said.get("started_at")
    return Running(**{**said, "started_at": clock.parse(started) if started else None})


def _cells(ids: Collection[int], wanted: Q) -> Iterator[Any]:
    """Named rows: whole objects of thousands of them cost more than all the rest."""
    names = ("queue_id", "level", "start", *tallies.COLUMNS, *tallies.SKETCHES)
    for some in _portions(ids):
        rows = QueueCell.objects.filter(wanted, queue_id__in=some).order_by("start")
        yield from rows.values_list(*names, named=True).iterator(2_000)


def _portions(ids: Iterable[int], size: int = 500) -> Iterator[list[int]]:
    ordered = list(ids)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def _broker(row: BrokerRow) -> BrokerState:
    return BrokerState(
        name=row.name,
        kind=row.kind,
        reachable=row.reachable,
        since=row.since,
        reason=row.reason,
        sampled_at=row.sampled_at,
        note=row.note,
        asked_at=row.asked_at,
    )


def _unasked(name: str, kind: str) -> BrokerState:
    return BrokerState(name, kind, reachable=False, since=clock.now(), reason="It was not asked yet.")


def depths(
    ids: Collection[int], since: datetime, until: datetime, level: int
) -> dict[int, list[tuple[int, int]]]:
    """How deep these queues were at most, by stretch of `level` minutes: what a small line needs, and no more."""
    found: dict[int, list[tuple[int, int]]] = {}
    within = Q(level=level, start__gte=minute_of(since) - level + 1, start__lt=minute_of(until) + 1)
    for some in _portions(ids):
        rows = QueueCell.objects.filter(within, queue_id__in=some).values_list(
            "queue_id", "start", "depth_max"
        )
        for id, start, depth in rows.iterator(5_000):
            found.setdefault(id, []).append((start, depth))
    return found
