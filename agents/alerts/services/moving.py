"""An alert begins, takes a step, ends: compare-and-set, with its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from agents.alerts.models import Alert, AlertChange
from agents.alerts.values import OPEN, Standing, State
from core import hints
from core.transitions import StaleStateError, advance

TOPIC = "alerts"


def begin(alert: Alert, by: str, now: datetime) -> Alert | None:
    """Write a new alert; None when its key is open already: another watcher was faster."""
    alert.first_raised_at = alert.last_raised_at = alert.since = now
    try:
        with transaction.atomic():
            alert.save(force_insert=True)
            note(alert, "", alert.state, by, alert.detail, now)
    except IntegrityError:
        return None
    hints.hint(TOPIC)
    return alert


def step(alert: Alert, after: Standing, by: str, why: str, now: datetime, value: float | None = None) -> bool:
    """From what was read to what follows; False when somebody changed it in between."""
    facts = {
        "value": value,
        "measured_at": after.seen_at,
        "holds_since": after.holds_since,
        "quiet_since": after.quiet_since,
        "unknown_since": after.unknown_since,
        "unknown_why": "",
    }
    if after.state is State.FIRING:
        facts |= {"last_raised_at": now, "detail": why}
    return set_state(alert, (State(alert.state),), after.state, by, why, now, facts)


def end(alert: Alert, by: str, why: str, now: datetime) -> bool:
    return set_state(alert, OPEN, State.CLEARED, by, why, now, {})


def set_state(
    alert: Alert,
    before: tuple[State, ...],
    after: State,
    by: str,
    why: str,
    now: datetime,
    facts: dict[str, Any],
) -> bool:
    try:
        advance(
            Alert.objects.all(),
            pk=alert.pk,
            from_states=before,
            to=after,
            history=lambda: note(alert, alert.state, after, by, why, now),
            changes=facts | {"since": now},
        )
    except StaleStateError:
        return False
    hints.hint(TOPIC)
    alert.state, alert.since = after, now
    for name, fact in facts.items():
        setattr(alert, name, fact)
    return True


def note(alert: Alert, before: str, after: str, by: str, why: str, now: datetime) -> AlertChange:
    return AlertChange.objects.create(
        alert=alert, before=before, after=after, at=now, by=by, reason=why[:300]
    )
