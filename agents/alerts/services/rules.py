"""Rules: made, changed, switched off, deleted, each with its entry in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from agents.alerts.models import Alert, Rule
from agents.alerts.models.rules import DAYS
from agents.alerts.services import moving, outbox
from agents.alerts.services.managing import must_manage
from agents.alerts.values import OPEN, Signal
from core import clock, hints
from core.access.api import Place
from core.access.audit.api import Action, Target
from core.access.scope_text import checked
from core.access.services import Actor

TOPIC = "alert rules"
FIELDS = (
    *(
        "title",
        "signal",
        "threshold",
        "hold_s",
        "rest_s",
        "window_s",
        "severity",
        "environment",
        "queue",
        "agent",
    ),
    *("cause", "days", "begins", "ends", "zone", "enabled", "advice"),
)
WINDOW = (60, 3_600)


class RuleError(Exception):
    """The rule cannot be as it was asked for. `field` names what to correct, and the text says how."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


@transaction.atomic
def save(rule: Rule, actor: Actor) -> Rule:
    """Make the rule, or change it to what the value says. Raises RuleError and PermissionRefusedError."""
    before = Rule.objects.select_for_update().filter(pk=rule.pk).first()
    for scope in [before.scope, rule.scope] if before else [rule.scope]:
        must_manage(actor.subject, scope)
    _check(rule)
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise RuleError("name", f"There is a rule {rule.name} already.") from None
    old, new = shown(before) if before else {}, shown(rule)
    changed = {name for name, value in new.items() if old.get(name) != value}
    if changed:
        action = Action.RULE_CHANGED if before else Action.RULE_CREATED
        seen = {name: old.get(name) for name in changed} if before else None
        actor.record(action, target(rule), before=seen, after={name: new[name] for name in changed})
    hints.hint(TOPIC)
    return rule


@transaction.atomic
def delete(rule: Rule, actor: Actor) -> None:
    """Delete it; its open alerts are over. One of ours is switched off instead. Raises RuleError."""
    must_manage(actor.subject, rule.scope)
    if rule.built_in:
        raise RuleError("name", f"{rule.name} comes with Postroom: switch it off instead.")
    now = clock.now()
    ended = Alert.objects.filter(rule=rule, state__in=OPEN)
    outbox.tell_cleared(
        [each for each in ended if moving.end(each, actor.subject.name, "its rule is gone", now)], now
    )
    about, old = target(rule), shown(rule)
    rule.delete()
    actor.record(Action.RULE_DELETED, about, before=old)
    hints.hint(TOPIC)


def shown(rule: Rule) -> Mapping[str, Any]:
    """As the audit trail and programs see it."""
    plain = {name: getattr(rule, name) for name in ("name", *FIELDS)}
    return plain | {name: f"{plain[name]:%H:%M}" for name in ("begins", "ends")}


def target(rule: Rule) -> Target:
    """An entry about a rule is for whoever sees the whole of what it looks at."""
    exact = rule.environment if not set(rule.environment) & set("*?[") else None
    return Target("alert rule", str(rule.pk), rule.name, Place(exact))


def _check(rule: Rule) -> None:
    if rule.signal not in set(Signal):
        raise RuleError("signal", f"There is no signal {rule.signal!r}.")
    if rule.threshold != rule.threshold or rule.threshold < 0:
        raise RuleError("threshold", "It must be a number from 0 on.")
    if not WINDOW[0] <= rule.window_s <= WINDOW[1]:
        raise RuleError("window_s", f"{WINDOW[0]} to {WINDOW[1]} seconds are allowed.")
    if rule.cause and rule.signal != Signal.STUCK:
        raise RuleError("cause", "Only stuck messages have a cause.")
    if set(filter(None, rule.days.split(","))) - set(DAYS):
        raise RuleError("days", f"Write the days as {','.join(DAYS[:2])}; empty is every day.")
    _check_zone(rule.zone)
    for name in ("environment", "queue", "agent"):
        try:
            checked(getattr(rule, name))
        except ValueError as problem:
            raise RuleError(name, str(problem)) from None


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise RuleError("zone", f"There is no time zone {zone!r}; write it as Europe/Berlin.") from None
