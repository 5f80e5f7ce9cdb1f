"""Whether a broker answers, since when, and why not. Each change of that is a row of its own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from agents.queues.models import BrokerChange, BrokerRow
from core import clock, hints
from core.brokers.api import BrokerUrl
from core.databases import TELEMETRY

TOPIC = "brokers"


def answers(broker: BrokerUrl, at: datetime, note: str = "") -> None:
    """It answered, at that moment."""
    _say(broker, True, at, "", {"sampled_at": at, "note": note[:500]})


def is_away(broker: BrokerUrl, reason: str) -> None:
    """It cannot be reached. Since when is said once, the reason as it is now; its last figures stay."""
    _say(broker, False, clock.now(), reason[:500], {})


def _say(broker: BrokerUrl, reachable: bool, at: datetime, reason: str, facts: dict[str, object]) -> None:
    with transaction.atomic(using=TELEMETRY):
        row, is_new = BrokerRow.objects.get_or_create(
            name=broker.name,
            defaults={"kind": broker.kind, "reachable": reachable, "since": at, "reason": reason, **facts},
        )
        changed = {"reachable": reachable, "since": at}
        turned = BrokerRow.objects.filter(pk=row.pk, reachable=not reachable).update(
            **changed, reason=reason, **facts
        )
        if turned or is_new:
            BrokerChange.objects.create(broker=row, reachable=reachable, at=at, reason=reason)
            hints.hint(TOPIC, using=TELEMETRY)
        else:
            BrokerRow.objects.filter(pk=row.pk).update(reason=reason, kind=broker.kind, **facts)
