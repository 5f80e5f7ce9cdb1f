"""Rules and silences for programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.alerts.models import Rule, Silence
from agents.alerts.models.rules import NAME, REASON
from agents.alerts.services import rules, silences
from agents.alerts.services.rules import RuleError
from agents.alerts.services.silences import SilenceError
from agents.alerts.signals import ABOUT
from agents.alerts.values import Severity, Signal, SilenceKind
from core import clock
from core.access.api import Permission
from core.access.services import Actor
from dashboard.api import paging, query
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import IDEMPOTENCY_KEY, PAGING, listed
from dashboard.api.views import ApiView, source_of

SIGNALS = [str(each) for each in Signal]
SEVERITIES = [str(each) for each in Severity]
SILENCES = [str(each) for each in SilenceKind]
SILENCE_STATES = ["planned", "active", "over"]
MOST_S = 7 * 24 * 3_600


def pattern() -> serializers.CharField:
    return serializers.CharField(max_length=200, required=False, help_text="`*`, `?` and `[…]` match.")


class RuleGiven(serializers.Serializer[Any]):
    """What is looked for. Left out: everywhere, at all hours, at once."""

    title = serializers.CharField(max_length=NAME)
    signal = serializers.ChoiceField(
        SIGNALS, help_text="; ".join(f"{key}: {ABOUT[key].means}" for key in ABOUT)
    )
    threshold = serializers.FloatField(min_value=0)
    severity = serializers.ChoiceField(SEVERITIES)
    hold_s = serializers.IntegerField(
        min_value=0, max_value=MOST_S, required=False, help_text="For so long it has to hold before it fires."
    )
    rest_s = serializers.IntegerField(
        min_value=0,
        max_value=MOST_S,
        required=False,
        help_text="For so long it must not hold before it is over.",
    )
    window_s = serializers.IntegerField(
        min_value=60,
        max_value=3_600,
        required=False,
        help_text="What is counted is counted over so many seconds.",
    )
    environment = pattern()
    queue = pattern()
    agent = pattern()
    cause = serializers.CharField(max_length=30, required=False, allow_blank=True)
    days = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="`mon,tue`; empty: all."
    )
    begins = serializers.TimeField(required=False, format="%H:%M", help_text="Equal to `ends`: all day.")
    ends = serializers.TimeField(required=False, format="%H:%M")
    zone = serializers.CharField(max_length=60, required=False)
    enabled = serializers.BooleanField(required=False)
    advice = serializers.CharField(max_length=REASON, required=False, allow_blank=True)


class RuleMade(RuleGiven):
    name = serializers.SlugField(max_length=100)


class RuleChange(RuleGiven):
    """What is to change."""

    title = serializers.CharField(max_length=NAME, required=False)
    signal = serializers.ChoiceField(SIGNALS, required=False)
    threshold = serializers.FloatField(min_value=0, required=False)
    severity = serializers.ChoiceField(SEVERITIES, required=False)


class RuleShape(RuleMade):
    """A rule. One that comes with Postroom is switched off, not deleted."""

    built_in = serializers.BooleanField()


class SilenceGiven(serializers.Serializer[Any]):
    """What is not to be sent out, until when, and why. `lasts_s` instead of `ends_at` will do."""

    reason = serializers.CharField(max_length=REASON)
    kind = serializers.ChoiceField(SILENCES, required=False)
    rule = serializers.SlugField(required=False, allow_blank=True, help_text="Only alerts of this rule.")
    environment = pattern()
    queue = pattern()
    agent = pattern()
    begins_at = query.UtcTime(required=False)
    ends_at = query.UtcTime(required=False)
    lasts_s = serializers.IntegerField(min_value=60, max_value=30 * 24 * 3_600, required=False)


class SilenceShape(serializers.Serializer[Any]):
    """A silence; its state follows from the clock."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(SILENCE_STATES)
    kind = serializers.ChoiceField(SILENCES)
    rule = serializers.CharField()
    environment = serializers.CharField()
    queue = serializers.CharField()
    agent = serializers.CharField()
    reason = serializers.CharField()
    by = serializers.CharField()
    made_at = query.UtcTime()
    begins_at = query.UtcTime()
    ends_at = query.UtcTime()


class RuleFilters(query.Filters):
    signal = serializers.ChoiceField(SIGNALS, required=False)
    enabled = serializers.BooleanField(required=False)


class SilenceFilters(query.Filters):
    state = serializers.ChoiceField(SILENCE_STATES, required=False)


def rule_shape(rule: Rule) -> dict[str, Any]:
    return {**rules.shown(rule), "built_in": rule.built_in}


def silence_shape(silence: Silence) -> dict[str, Any]:
    plain = ("kind", "environment", "queue", "agent", "reason", "by")
    return {
        "id": str(silence.pk),
        "state": silence.state_at(clock.now()),
        "rule": silence.rule.name if silence.rule else "",
        **{name: getattr(silence, name) for name in plain},
        **{name: clock.rfc3339(getattr(silence, name)) for name in ("made_at", "begins_at", "ends_at")},
    }


def silence_of(said: dict[str, Any]) -> Silence:
    """The silence that is asked for, not yet made. Raises SilenceError."""
    now = clock.now()
    begins = said.get("begins_at") or now
    ends = said.get("ends_at") or (
        begins + timedelta(seconds=said["lasts_s"]) if said.get("lasts_s") else None
    )
    if ends is None:
        raise SilenceError("ends_at", "A silence has an end: give `ends_at` or `lasts_s`.")
    rule = Rule.objects.filter(name=said["rule"]).first() if said.get("rule") else None
    if said.get("rule") and rule is None:
        raise SilenceError("rule", f"There is no rule {said['rule']}.")
    given = {
        name: said[name] for name in ("kind", "environment", "queue", "agent", "reason") if said.get(name)
    }
    return Silence(rule=rule, begins_at=begins, ends_at=ends, **given)


class ManagedView(ApiView):
    """Everybody who sees may look; who manages alerts may change, within the reach of the thing."""

    permission = Permission.SEE
    permission_by_method = {
        "POST": Permission.MANAGE_ALERTS,
        "PATCH": Permission.MANAGE_ALERTS,
        "DELETE": Permission.MANAGE_ALERTS,
    }

    @property
    def actor(self) -> Actor:
        return Actor(self.subject, source_of(self.request))

    def missing(self, what: str, where: str) -> ProblemError:
        return ProblemError(
            Problem(404, "Not found", f"There is no {what}.", f"GET /api/v1/{where} lists them.")
        )


class RuleView(ManagedView):
    """A view of rules."""

    def found(self, name: str) -> Rule:
        rule = Rule.objects.filter(name=name).first()
        if rule is None:
            raise self.missing(f"rule {name}", "alert-rules")
        return rule

    def save(self, rule: Rule) -> Rule:
        try:
            return rules.save(rule, self.actor)
        except RuleError as problem:
            raise invalid(problem.field, str(problem)) from None


class Rules(RuleView):
    """The list, and making one."""

    @extend_schema(
        operation_id="alert_rules_list",
        summary="Rules, by name",
        parameters=[RuleFilters, *PAGING],
        responses=listed(RuleShape),
    )
    def get(self, request: Request) -> Response:
        rows = Rule.objects.filter(**query.read(request, RuleFilters))
        return paging.response(request, paging.page(request, rows, ("name",)), rule_shape)

    @extend_schema(
        operation_id="alert_rules_create",
        summary="Make a rule",
        request=RuleMade,
        responses={201: RuleShape},
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        rule = Rule(**query.body(request, RuleMade))
        if Rule.objects.filter(name=rule.name).exists():
            raise invalid("name", f"There is a rule {rule.name} already.", "PATCH changes it.")
        return Response(rule_shape(self.save(rule)), status=201)


class OneRule(RuleView):
    """One rule."""

    @extend_schema(operation_id="alert_rules_get", summary="One rule", responses=RuleShape)
    def get(self, request: Request, name: str) -> Response:
        return Response(rule_shape(self.found(name)))

    @extend_schema(
        operation_id="alert_rules_change",
        summary="Change a rule, or switch it off",
        request=RuleChange,
        responses=RuleShape,
    )
    def patch(self, request: Request, name: str) -> Response:
        rule = self.found(name)
        for field, value in query.body(request, RuleChange).items():
            setattr(rule, field, value)
        return Response(rule_shape(self.save(rule)))

    @extend_schema(
        operation_id="alert_rules_delete", summary="Delete a rule; its alerts are over", responses={204: None}
    )
    def delete(self, request: Request, name: str) -> Response:
        try:
            rules.delete(self.found(name), self.actor)
        except RuleError as problem:
            raise ProblemError(Problem(409, "Comes with Postroom", str(problem))) from None
        return Response(status=204)


class Silences(ManagedView):
    """The list, and making one."""

    @extend_schema(
        operation_id="silences_list",
        summary="Silences, those made last first",
        parameters=[SilenceFilters, *PAGING],
        responses=listed(SilenceShape),
    )
    def get(self, request: Request) -> Response:
        rows, now = Silence.objects.select_related("rule"), clock.now()
        wanted = {
            "planned": {"begins_at__gt": now},
            "active": {"begins_at__lte": now, "ends_at__gt": now},
            "over": {"ends_at__lte": now},
        }
        state = query.read(request, SilenceFilters).get("state")
        rows = rows.filter(**wanted[state]) if state else rows
        return paging.response(request, paging.page(request, rows, ("-made_at", "-id")), silence_shape)

    @extend_schema(
        operation_id="silences_create",
        summary="Let alerts that match be shown and not sent out, now or in a time to come",
        request=SilenceGiven,
        responses={201: SilenceShape},
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        said = query.body(request, SilenceGiven)
        try:
            return Response(silence_shape(silences.make(silence_of(said), self.actor)), status=201)
        except SilenceError as problem:
            raise invalid(problem.field, str(problem)) from None


class OneSilence(ManagedView):
    """One silence."""

    def found(self, id: UUID) -> Silence:
        silence = Silence.objects.select_related("rule").filter(pk=id).first()
        if silence is None:
            raise self.missing(f"silence {id}", "silences")
        return silence

    @extend_schema(operation_id="silences_get", summary="One silence", responses=SilenceShape)
    def get(self, request: Request, id: UUID) -> Response:
        return Response(silence_shape(self.found(id)))

    @extend_schema(
        operation_id="silences_end", summary="End it now; it stays on record", responses={204: None}
    )
    def delete(self, request: Request, id: UUID) -> Response:
        silences.end(self.found(id), self.actor)
        return Response(status=204)
