"""Which firing alerts follow from an agent that is down, written beside them so that pages and the outbox agree."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError
from django.db.models import Q

from agents.alerts.folding import Firing, Link
from agents.alerts.folding import fold as folded
from agents.alerts.models import Alert
from agents.alerts.values import TOLD, Signal, State
from agents.topology.selectors import joined
from agents.topology.values import EdgeKind

log = structlog.get_logger(__name__)

# What waited for an agent that is back needs a while to be worked off.
RECOVERS_WITHIN = timedelta(minutes=2)
KNOWN_FOR = timedelta(days=1)
CARRYING = frozenset({EdgeKind.MESSAGE, EdgeKind.CALL})


def fold(now: datetime) -> None:
    """Look again at what follows from what."""
    alerts = {alert.pk: alert for alert in _concerned(now)}
    firing = {pk: Firing(Signal(alert.rule.signal), alert.spot) for pk, alert in alerts.items() if alert.rule}
    dead = any(each.signal is Signal.AGENT_DOWN for each in firing.values())
    try:
        causes = folded(firing, links(now)) if dead and len(firing) > 1 else {}
    except DatabaseError as problem:
        # Without the topology everything stays as it was: alerts must not wait for it.
        log.warning("what follows from what is not known now", problem=str(problem))
        return
    for pk, alert in alerts.items():
        cause = causes.get(pk)
        if alert.under_id != cause:
            Alert.objects.filter(pk=pk).update(under=cause)


def links(now: datetime) -> list[Link]:
    """Who depends on whom, as the last day's traffic shows."""
    edges = joined(now - KNOWN_FOR)
    return [
        Link(each.environment, each.source, each.via, each.target) for each in edges if each.kind in CARRYING
    ]


def _concerned(now: datetime) -> list[Alert]:
    lately = Q(state=State.CLEARED, since__gte=now - RECOVERS_WITHIN, rule__signal=Signal.AGENT_DOWN)
    rows = Alert.objects.filter(Q(state__in=TOLD, rule__isnull=False) | lately)
    return list(rows.select_related("rule"))
