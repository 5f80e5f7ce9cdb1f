"""Figures of queues, letters, alerts and operations for `/metrics`: read from their rooms when Prometheus asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import structlog
from django.db import DatabaseError
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from agents.alerts import selectors as alerts
from agents.deadletters import selectors as letters
from agents.operations import selectors as operations
from agents.queues import selectors as queues
from agents.queues.stuck import selectors as stuck
from agents.queues.values import QueueState
from core import clock, metrics
from core.metrics import Read

log = structlog.get_logger(__name__)

Row = tuple[str | float, ...]
OF_QUEUES: Mapping[Read, Callable[[QueueState], float | None]] = {
    metrics.QUEUE_DEPTH: lambda queue: queue.depth,
    metrics.QUEUE_UNACKNOWLEDGED: lambda queue: queue.unacknowledged,
    metrics.QUEUE_OLDEST: lambda queue: queue.oldest_age_s if queue.depth else 0.0,
    metrics.QUEUE_CONSUMERS: lambda queue: queue.consumers,
    metrics.QUEUE_GROWTH: lambda queue: queue.growth,
}


class Figures:
    """A collector for prometheus_client. A database that cannot be asked takes only its own figures away."""

    def collect(self) -> Iterator[Metric]:
        for reading in (_queues, _stuck, _others):
            try:
                yield from list(reading())
            except DatabaseError as problem:
                log.warning("figures cannot be read", problem=str(problem))


def _queues() -> Iterator[Metric]:
    """Only of those whose figures are evidence: a queue that cannot be asked has no depth, not the last one."""
    now = clock.now()
    known = [each for each in queues.queues() if each.there and each.is_fresh(now)]
    for read, figure in OF_QUEUES.items():
        found = ((each, figure(each)) for each in known)
        yield _gauge(read, [(*_labels(each), value) for each, value in found if value is not None])


def _stuck() -> Iterator[Metric]:
    """Nothing while nobody looks: then no cause is known."""
    if not stuck.look().fresh:
        return
    found: Counter[tuple[str, str]] = Counter()
    for cause in stuck.all_causes():
        found[str(cause.verdict), cause.row.environment] += 0 if cause.row.behind else cause.row.messages
    yield _gauge(metrics.STUCK, [(*labels, number) for labels, number in found.items()])


def _others() -> Iterator[Metric]:
    yield _gauge(metrics.LETTERS, letters.by_state())
    yield _gauge(metrics.ALERTS, alerts.open_by_rule())
    yield _gauge(metrics.NOTICES, alerts.unsettled_by_channel())
    yield _gauge(metrics.OPERATIONS, operations.open_by_state())


def _labels(queue: QueueState) -> tuple[str, str, str]:
    return queue.broker, queue.name, queue.environment


def _gauge(read: Read, rows: Iterable[Row]) -> Metric:
    """The last of each row is the value, the others are its labels."""
    family = GaugeMetricFamily(read.name, read.about, labels=read.labels)
    for *labels, value in rows:
        family.add_metric([str(label) for label in labels], float(value))
    return family
