"""Scenes of stuck messages in the database, written by the services that write them in life."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agents.ledger.services import ears
from agents.ledger.services.ears import Way, WayKind
from agents.queues.models import BrokerRow, QueueRow, WorkerRow
from agents.queues.services import standing
from agents.queues.stuck import causes
from agents.queues.stuck.causes import Cause
from agents.queues.stuck.looking import judged, spots
from agents.queues.stuck.scene import Reader
from agents.registry.models import Instance
from agents.registry.services import heartbeats
from agents.registry.values import Heartbeat
from core import clock
from core.brokers.api import BrokerUrl

MAIN = BrokerUrl("main", "redis://127.0.0.1:1/0")


def ago(seconds: float) -> Any:
    return clock.now() - timedelta(seconds=seconds)


def well(broker: BrokerUrl = MAIN) -> None:
    """The broker answers, its events are heard, its workers were asked."""
    standing.answers(broker, clock.now())
    for kind in WayKind:
        ears.opened(Way(broker.name, kind))
    BrokerRow.objects.filter(name=broker.name).update(asked_at=clock.now())


def queue(name: str = "extract", **facts: Any) -> QueueRow:
    usual: dict[str, Any] = {
        "environment": "production",
        "kind": "list",
        "depth": 3,
        "unacknowledged": 0,
        "delayed": 0,
        "consumers": 1,
        "first_seen": ago(3600),
        "sampled_at": clock.now(),
        "there": True,
    }
    row, _ = QueueRow.objects.update_or_create(broker="main", name=name, defaults=usual | facts)
    return row


def instance(agent: str = "extract", number: int = 0, *, beat_ago: float = 2.0, status: str = "") -> Instance:
    name = f"{agent}-{number}"
    heartbeats.beat([Heartbeat(agent, name, "production", ago(beat_ago), status=status)])
    return Instance.objects.get(instance_id=name)


def worker(agent: str = "extract", number: int = 0, *, answered_ago: float = 1.0, **facts: Any) -> WorkerRow:
    usual: dict[str, Any] = {
        "queues": [agent],
        "running": [],
        "concurrency": 1,
        "pool": "prefork",
        "first_seen": ago(3600),
        "answered_at": ago(answered_ago),
    }
    name = f"{agent}-{number}@node-3"
    row, _ = WorkerRow.objects.update_or_create(broker="main", name=name, defaults=usual | facts)
    return row


def alive(agent: str = "extract", number: int = 0, **facts: Any) -> None:
    instance(agent, number)
    worker(agent, number, **facts)


def found() -> list[Cause]:
    now = clock.now()
    scene = Reader().read(now)
    return causes.of(scene.nodes, judged(scene), spots(scene), now)


def said() -> list[tuple[str, str, str, int]]:
    """Verdict, agent, queue and how many, of each cause."""
    return [(str(each.verdict), each.agent, each.queue, each.messages) for each in found()]
