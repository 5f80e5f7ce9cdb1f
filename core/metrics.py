"""Every metric of Postroom itself, declared once.

Each process counts for itself and publishes its figures with its beat; any web process shows them all, with the
process's kind and machine as labels. So one address is enough for Prometheus, whichever web process answers. A
restarted process begins at 0, which Prometheus takes for what it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.samples import Sample

from core import clock, live_redis, processes
from core.processes import SILENT_AFTER, Kind, State

TABLE = "postroom:metrics"
REGISTRY = CollectorRegistry()
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter(
    "postroom_http_requests_total", "Requests answered.", ["method", "route", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "postroom_http_request_seconds", "Time to answer.", ["route"], buckets=SECONDS, registry=REGISTRY
)
PASSED_ON = Counter(
    "postroom_passed_on_total",
    "Machines' requests that web passed on to intake.",
    ["status"],
    registry=REGISTRY,
)
SOCKETS = Gauge("postroom_live_sockets", "Websockets that are open.", registry=REGISTRY)
FRAMES = Counter("postroom_live_frames_total", "Frames sent to websockets.", ["kind"], registry=REGISTRY)
RESYNCS = Counter(
    "postroom_live_resyncs_total", "Times a client missed a delta and asked to begin anew.", registry=REGISTRY
)
SLOW_CLIENTS = Counter(
    "postroom_live_slow_clients_total",
    "Times a client left a window of frames unread and was sent no more until it caught up.",
    registry=REGISTRY,
)
CLOSED = Counter("postroom_live_closed_total", "Websockets that we closed.", ["why"], registry=REGISTRY)
DB_ERRORS = Counter("postroom_database_errors_total", "Failed statements.", ["database"], registry=REGISTRY)
REDIS_ERRORS = Counter(
    "postroom_redis_errors_total", "Times that Redis could not be reached.", registry=REGISTRY
)
LOOP_CRASHES = Counter(
    "postroom_loop_crashes_total", "Crashes of the watcher's loops.", ["loop"], registry=REGISTRY
)
INTAKE_REQUESTS = Counter(
    "postroom_intake_requests_total", "Requests to intake.", ["signal", "over", "status"], registry=REGISTRY
)
INTAKE_KEPT = Counter("postroom_intake_kept_total", "Items committed.", ["item"], registry=REGISTRY)
INTAKE_REPEATED = Counter(
    "postroom_intake_repeated_total", "Items that were there already.", registry=REGISTRY
)
INTAKE_REJECTED = Counter(
    "postroom_intake_rejected_total", "Items turned away.", ["signal"], registry=REGISTRY
)
INTAKE_BYTES = Gauge("postroom_intake_bytes_in_flight", "Bytes of bodies being taken in.", registry=REGISTRY)
INTAKE_COMMIT_SECONDS = Histogram(
    "postroom_intake_commit_seconds", "Time of a group commit.", buckets=SECONDS, registry=REGISTRY
)
INTAKE_TROUBLE = Gauge("postroom_intake_trouble", "1 while intake cannot commit.", registry=REGISTRY)
LEDGER_KEPT = Counter(
    "postroom_ledger_events_total", "Events that the watcher brought and kept.", ["way"], registry=REGISTRY
)
LEDGER_REFUSED = Counter(
    "postroom_ledger_refused_total",
    "What came from a broker as an event and was none; the log has each.",
    registry=REGISTRY,
)
LETTERS_CAPTURED = Counter(
    "postroom_letters_captured_total",
    "Deliveries of letters taken into custody.",
    ["broker"],
    registry=REGISTRY,
)
LETTERS_MALFORMED = Counter(
    "postroom_letters_malformed_total",
    "Of these, what was no letter and is kept as one.",
    ["broker"],
    registry=REGISTRY,
)
CAPTURE_TROUBLE = Gauge(
    "postroom_capture_trouble", "1 while capture on a broker cannot go on.", ["broker"], registry=REGISTRY
)
ALERT_LOOK_SECONDS = Histogram(
    "postroom_alert_look_seconds", "Time of one look at all rules.", buckets=SECONDS, registry=REGISTRY
)
BROKER_UP = Gauge(
    "postroom_broker_up", "1 while the broker answers, 0 while it does not.", ["broker"], registry=REGISTRY
)
QUEUES = Gauge("postroom_queues", "Queues of the broker's last sample.", ["broker"], registry=REGISTRY)
SAMPLE_SECONDS = Histogram(
    "postroom_queue_sample_seconds",
    "Time to sample all queues of a broker.",
    ["broker"],
    buckets=SECONDS,
    registry=REGISTRY,
)
LEADER = Gauge("postroom_watcher_leader", "1 where the watcher leads.", registry=REGISTRY)
ProcessCollector(namespace="postroom", registry=REGISTRY)

# What `/metrics` adds about all processes, from `core.processes`.
PROCESS_UP = ("postroom_process_up", "1 while the process works, 0 while it does not.")
PROCESS_RESTARTS = ("postroom_process_restarts_total", "Restarts by `manage.py up`.")


@dataclass(frozen=True, slots=True)
class Read:
    """A gauge that nobody keeps: it is read from the source when somebody asks. What is not known has no sample."""

    name: str
    about: str
    labels: tuple[str, ...]


_QUEUE = ("broker", "queue", "environment")
QUEUE_DEPTH = Read("postroom_queue_depth", "Messages that wait in the queue.", _QUEUE)
QUEUE_UNACKNOWLEDGED = Read("postroom_queue_unacknowledged", "Messages in hand and not settled.", _QUEUE)
QUEUE_OLDEST = Read("postroom_queue_oldest_seconds", "For how long the oldest message waits.", _QUEUE)
QUEUE_CONSUMERS = Read("postroom_queue_consumers", "Consumers of the queue.", _QUEUE)
QUEUE_GROWTH = Read("postroom_queue_growth", "Messages a second that go in and do not come out.", _QUEUE)
STUCK = Read("postroom_stuck_messages", "Messages that are stuck, by cause.", ("verdict", "environment"))
LETTERS = Read("postroom_letters", "Letters in custody, by state.", ("state", "environment"))
ALERTS = Read(
    "postroom_alerts",
    "Alerts that are open; without a rule's name an agent raised them.",
    ("rule", "severity", "state"),
)
NOTICES = Read(
    "postroom_alert_notices", "Notices that wait for their channel, or were given up.", ("channel", "state")
)
OPERATIONS = Read("postroom_operations", "Operations that are not over, by state.", ("action", "state"))
READ = (
    *(QUEUE_DEPTH, QUEUE_UNACKNOWLEDGED, QUEUE_OLDEST, QUEUE_CONSUMERS, QUEUE_GROWTH),
    *(STUCK, LETTERS, ALERTS, NOTICES, OPERATIONS),
)


@dataclass(frozen=True, slots=True)
class Published:
    """One process's figures: which process, when, and its samples by family."""

    kind: str
    name: str
    pid: int
    at: float
    families: list[dict[str, Any]]


def publish(kind: Kind, name: str = "") -> None:
    """Put this process's figures beside its beat."""
    machine = name or processes.default_name()
    row = {"kind": kind, "name": machine, "pid": os.getpid(), "at": clock.unix(), "families": list(_own())}
    live_redis.client().hset(TABLE, f"{kind}/{machine}", json.dumps(row, separators=(",", ":")))


def withdraw(kind: Kind, name: str = "") -> None:
    live_redis.client().hdel(TABLE, f"{kind}/{name or processes.default_name()}")


def published() -> list[Published]:
    """The figures of every process that was heard lately; none when Redis cannot be asked."""
    try:
        rows = live_redis.table(live_redis.client(), TABLE).values()
    except live_redis.Unreachable:
        return []
    found = [Published(**json.loads(row)) for row in rows]
    return [each for each in found if clock.unix() - each.at <= SILENT_AFTER.total_seconds()]


class EveryProcess:
    """A collector for prometheus_client: this process as it is now, the others as they said last."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def collect(self) -> Iterable[Metric]:
        own = Published(self.kind, processes.default_name(), os.getpid(), clock.unix(), list(_own()))
        others = [each for each in published() if each.pid != own.pid or each.name != own.name]
        yield from merged([own, *others])
        yield from of_processes(processes.all())


def _own() -> Iterator[dict[str, Any]]:
    for family in REGISTRY.collect():
        samples = [[sample.name, dict(sample.labels), sample.value] for sample in family.samples]
        yield {"name": family.name, "type": family.type, "about": family.documentation, "samples": samples}


# ---- Pure from here on -----------------------------------------------------------------------------------------


def merged(every: list[Published]) -> list[Metric]:
    """One family per name, each sample with the process that it comes from."""
    families: dict[str, Metric] = {}
    for each in every:
        origin = {"process": each.kind, "instance_name": each.name}
        for row in each.families:
            family = families.setdefault(row["name"], Metric(row["name"], row["about"], row["type"]))
            family.samples += [
                Sample(name, labels | origin, value)
                for name, labels, value in row["samples"]
                # When a counter was made says nothing that the process's own start does not say.
                if not name.endswith("_created")
            ]
    return list(families.values())


def of_processes(states: list[processes.ProcessState]) -> list[Metric]:
    """Up and restarts. A state that is unknown has no sample: neither 1 nor 0 would be true."""
    up = Metric(*PROCESS_UP, "gauge")
    restarts = Metric(PROCESS_RESTARTS[0].removesuffix("_total"), PROCESS_RESTARTS[1], "counter")
    for state in states:
        if state.state is State.UNKNOWN:
            continue
        labels = {"process": str(state.kind), "instance_name": state.name}
        up.add_sample(PROCESS_UP[0], labels, float(state.state is State.UP))
        restarts.add_sample(PROCESS_RESTARTS[0], labels, float(state.restarts))
    return [up, restarts]
