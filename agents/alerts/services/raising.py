"""Alerts are raised, acknowledged and cleared."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F

from agents.alerts.models import Alert
from agents.alerts.services import moving, outbox
from agents.alerts.services.moving import TOPIC
from agents.alerts.values import OPEN, Raised, State
from core import clock, hints
from core.access.api import Permission, Place, require
from core.access.audit.api import Action, Target
from core.access.services import Actor
from core.transitions import advance

TRIES = 3


def raise_(wanted: Raised, actor: Actor) -> tuple[Alert, bool]:
    """Raise it, or count it when its key is open already; the second value tells whether it is new."""
    require(actor.subject, Permission.RAISE_ALERTS, Place(wanted.environment, agent=wanted.agent))
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                return _raise(wanted, actor)
        except IntegrityError:
            # Another instance raised the same in between: now it is there to be counted.
            if attempt == TRIES - 1:
                raise
    raise AssertionError


@transaction.atomic
def acknowledge(alert: Alert, actor: Actor) -> Alert:
    """Somebody has it. Raises StaleStateError when it does not fire any more."""
    return _step(alert, (State.FIRING,), State.ACKNOWLEDGED, Action.ALERT_ACKNOWLEDGED, actor)


@transaction.atomic
def clear(alert: Alert, actor: Actor) -> Alert:
    """It is over: the next time its key is raised it is another alert."""
    return _step(alert, OPEN, State.CLEARED, Action.ALERT_CLEARED, actor)


def _raise(wanted: Raised, actor: Actor) -> tuple[Alert, bool]:
    key, now = (wanted.key or wanted.title), clock.now()
    same = Alert.objects.filter(environment=wanted.environment, agent=wanted.agent, key=key, state__in=OPEN)
    found = same.select_for_update().first()
    if found:
        said = {"detail": wanted.detail, "message_id": wanted.message_id, "error": wanted.error}
        latest = {name: value for name, value in said.items() if value}
        Alert.objects.filter(pk=found.pk).update(count=F("count") + 1, last_raised_at=now, **latest)
        found.refresh_from_db()
        hints.hint(TOPIC)
        return found, False
    alert = _new(wanted, key, actor)
    alert.first_raised_at = alert.last_raised_at = alert.since = now
    alert.save(force_insert=True)
    moving.note(alert, "", State.FIRING, actor.subject.name, "raised", now)
    outbox.tell_fired([alert], now)
    hints.hint(TOPIC)
    return alert, True


def _new(wanted: Raised, key: str, actor: Actor) -> Alert:
    return Alert(
        environment=wanted.environment,
        agent=wanted.agent,
        instance=wanted.instance,
        severity=wanted.severity,
        title=wanted.title,
        detail=wanted.detail,
        message_id=wanted.message_id,
        error=wanted.error,
        key=key,
        raised_by=actor.subject.name,
        state=State.FIRING,
    )


def _step(alert: Alert, before: tuple[State, ...], after: State, action: Action, actor: Actor) -> Alert:
    require(actor.subject, Permission.TRIAGE, alert.place)
    now = clock.now()
    advance(
        Alert.objects.all(),
        pk=alert.pk,
        from_states=before,
        to=after,
        history=lambda: moving.note(alert, alert.state, after, actor.subject.name, actor.why, now),
        changes={"since": now},
    )
    old = alert.state
    alert.refresh_from_db()
    if after is State.CLEARED:
        outbox.tell_cleared([alert], now)
    target = Target("alert", str(alert.pk), alert.title, alert.place)
    actor.record(action, target, before={"state": old}, after={"state": alert.state})
    hints.hint(TOPIC)
    return alert
