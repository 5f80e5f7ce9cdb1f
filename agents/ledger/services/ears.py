"""How well each way in is heard: since when, or why not, and what may have been missed."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from agents.ledger.models import Ear, Gap
from core import clock, hints
from core.databases import TELEMETRY

TOPIC = "ears"


class WayKind(StrEnum):
    """Lifecycle events wait on the broker until they are committed; Celery's stream passes whoever does not listen."""

    EVENTS = "events"
    CELERY = "celery"


class Way(NamedTuple):
    broker: str
    kind: WayKind

    def __str__(self) -> str:
        return f"{self.kind} of {self.broker}"


def opened(way: Way) -> None:
    """It is heard from now on. What passed since it was last heard is noted as a gap, where it is not kept."""
    moment = clock.now()
    row = _row(way)
    if row and row.heard_until and way.kind is WayKind.CELERY:
        Gap.objects.create(broker=way.broker, way=way.kind, since=row.heard_until, until=moment)
    _say(way, hears=True, since=moment, heard_until=moment, problem="")


def heard(way: Way) -> None:
    """Nothing was missed up to now."""
    Ear.objects.filter(broker=way.broker, way=way.kind).update(heard_until=clock.now())


def lost(way: Way, problem: str) -> None:
    """It cannot be heard. Since when is said once, the reason as it is now."""
    row = _row(way)
    since = row.since if row and not row.hears else clock.now()
    _say(way, hears=False, since=since, problem=problem[:500])


def _row(way: Way) -> Ear | None:
    return Ear.objects.filter(broker=way.broker, way=way.kind).first()


def _say(way: Way, **facts: object) -> None:
    Ear.objects.update_or_create(broker=way.broker, way=way.kind, defaults=facts)
    hints.hint(TOPIC, using=TELEMETRY)
