"""Which workers there are on a broker, what each consumes and what it does: asked every few seconds, kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from agents.queues.celery import Workers
from agents.queues.models import BrokerRow, WorkerRow
from agents.queues.workers import about_of, queues_of, running_of
from core import clock, hints
from core.brokers.api import BrokerUrl
from core.databases import TELEMETRY

TOPIC = "workers"
LONGEST = 300


class Asking:
    """One broker's workers. For one thread."""

    def __init__(self, broker: BrokerUrl, workers: Workers) -> None:
        self._broker, self._workers = broker, workers
        self._about: dict[str, dict[str, Any]] = {}

    def step(self) -> None:
        """Ask all and write what they said. Raises BrokerError, and then nothing is written."""
        queues = self._workers.queues()
        running = self._workers.running() if queues else {}
        if new := sorted(queues.keys() - self._about.keys()):
            self._about |= {name: about_of(said) for name, said in self._workers.about(new).items()}
        self._about = {name: said for name, said in self._about.items() if name in queues}
        keep(self._broker.name, queues, running, self._about)


def keep(
    broker: str, queues: Mapping[str, Any], running: Mapping[str, Any], about: Mapping[str, Mapping[str, Any]]
) -> None:
    """Those that answered, with what they said; those that did not stay as they were."""
    now = clock.now()
    known = set(WorkerRow.objects.filter(broker=broker, name__in=list(queues)).values_list("name", flat=True))
    with transaction.atomic(using=TELEMETRY):
        for name, said in queues.items():
            consumed = queues_of(said)
            # Postroom's own worker consumes nothing of the agents'.
            if consumed or name in known or not said:
                facts = {"queues": consumed, "running": running_of(running.get(name)), "answered_at": now}
                facts |= {"host": name.rpartition("@")[2][:LONGEST], **about.get(name, {})}
                WorkerRow.objects.update_or_create(
                    broker=broker,
                    name=name[:LONGEST],
                    defaults=facts,
                    create_defaults={**facts, "first_seen": now},
                )
        BrokerRow.objects.filter(name=broker).update(asked_at=now)
        hints.hint(TOPIC, using=TELEMETRY)
