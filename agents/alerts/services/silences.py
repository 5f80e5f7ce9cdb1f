"""Silences and maintenance windows: made with an end and a reason, ended early, both audited."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from agents.alerts.models import Silence
from agents.alerts.services.managing import must_manage
from core import clock, hints
from core.access.api import Place
from core.access.audit.api import Action, Target
from core.access.scope_text import checked
from core.access.services import Actor
from core.transitions import StaleStateError

TOPIC = "silences"
LONGEST = timedelta(days=30)


class SilenceError(Exception):
    """The silence cannot be as it was asked for. `field` names what to correct, and the text says how."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


@transaction.atomic
def make(silence: Silence, actor: Actor) -> Silence:
    """Begin or plan it. Raises SilenceError and PermissionRefusedError."""
    must_manage(actor.subject, silence.scope)
    silence.made_at, silence.by = clock.now(), actor.subject.name
    silence.begins_at = max(silence.begins_at or silence.made_at, silence.made_at)
    _check(silence)
    silence.save(force_insert=True)
    actor.record(Action.SILENCE_MADE, target(silence), after=_shown(silence))
    hints.hint(TOPIC)
    return silence


@transaction.atomic
def end(silence: Silence, actor: Actor) -> Silence:
    """It is over now; what still fires is told. Raises StaleStateError when it is over already."""
    must_manage(actor.subject, silence.scope)
    now, old = clock.now(), clock.rfc3339(silence.ends_at)
    if not Silence.objects.filter(pk=silence.pk, ends_at__gt=now).update(ends_at=now):
        raise StaleStateError("The silence is over already.")
    silence.refresh_from_db()
    actor.record(
        Action.SILENCE_ENDED, target(silence), before={"ends_at": old}, after={"ends_at": clock.rfc3339(now)}
    )
    hints.hint(TOPIC)
    return silence


def target(silence: Silence) -> Target:
    exact = silence.environment if not set(silence.environment) & set("*?[") else None
    return Target("silence", str(silence.pk), silence.reason, Place(exact))


def _shown(silence: Silence) -> dict[str, str]:
    plain = {
        name: str(getattr(silence, name)) for name in ("kind", "environment", "queue", "agent", "reason")
    }
    times = {name: clock.rfc3339(getattr(silence, name)) for name in ("begins_at", "ends_at")}
    return plain | times | {"rule": silence.rule.name if silence.rule else ""}


def _check(silence: Silence) -> None:
    if not silence.reason.strip():
        raise SilenceError("reason", "Say why: whoever comes after you wants to know.")
    if silence.ends_at <= silence.begins_at:
        raise SilenceError("ends_at", "It must end after it begins, and in the future.")
    if silence.ends_at - silence.begins_at > LONGEST:
        raise SilenceError("ends_at", f"It may last {LONGEST.days} days at most; change the rule instead.")
    for name in ("environment", "queue", "agent"):
        try:
            checked(getattr(silence, name))
        except ValueError as problem:
            raise SilenceError(name, str(problem)) from None
