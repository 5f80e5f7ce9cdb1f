"""Alerts for programs: raise one, list them, say that somebody has it, clear it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.alerts import selectors
from agents.alerts.models import DETAIL, NAME, Alert
from agents.alerts.services import raising
from agents.alerts.values import Raised, Severity, State
from core import clock
from core.access import scoping
from core.access.api import Permission
from core.access.services import Actor
from dashboard.api import paging, query
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView, source_of

STATES = [str(state) for state in State]
SEVERITIES = [str(each) for each in Severity]


class AlertFilters(query.Filters):
    """Which alerts; those raised last come first."""

    state = serializers.ChoiceField(STATES, required=False)
    severity = serializers.ChoiceField(SEVERITIES, required=False)
    environment = serializers.CharField(required=False)
    agent = serializers.CharField(required=False)
    queue = serializers.CharField(required=False)
    rule = serializers.SlugField(required=False)


class AlertRaised(serializers.Serializer[Any]):
    """What somebody should know now. As long as it is open, the same `key` (or title) is counted, not raised anew."""

    agent = serializers.CharField(max_length=NAME)
    severity = serializers.ChoiceField(SEVERITIES)
    title = serializers.CharField(max_length=NAME)
    instance = serializers.CharField(max_length=NAME, required=False, allow_blank=True)
    environment = serializers.CharField(max_length=200, required=False, allow_blank=True)
    detail = serializers.CharField(max_length=DETAIL, required=False, allow_blank=True)
    message_id = serializers.CharField(max_length=NAME, required=False, allow_blank=True)
    error = serializers.CharField(max_length=DETAIL, required=False, allow_blank=True)
    key = serializers.CharField(max_length=NAME, required=False, allow_blank=True)


class AlertReason(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class AlertShape(serializers.Serializer[Any]):
    """An alert. `count` is how often it was raised since it opened. One that a rule raised names the `rule`, what was
    measured last and from what it fires; `unknown_since`: it cannot be measured now. `under` is the alert that it
    follows from, `silenced_until` the end of the silence that matches: of both, nobody is told."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(STATES)
    since = query.UtcTime(help_text="When it came into this state.")
    severity = serializers.ChoiceField(SEVERITIES)
    title = serializers.CharField()
    detail = serializers.CharField()
    error = serializers.CharField()
    environment = serializers.CharField()
    agent = serializers.CharField()
    queue = serializers.CharField()
    broker = serializers.CharField()
    rule = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    threshold = serializers.FloatField(allow_null=True)
    unknown_since = query.UtcTime(allow_null=True)
    unknown_why = serializers.CharField()
    under = serializers.UUIDField(allow_null=True)
    silenced_until = query.UtcTime(allow_null=True)
    told_at = query.UtcTime(allow_null=True, help_text="When the channels were told that it fires.")
    instance = serializers.CharField()
    message_id = serializers.CharField()
    key = serializers.CharField()
    count = serializers.IntegerField()
    raised_by = serializers.CharField()
    first_raised_at = query.UtcTime()
    last_raised_at = query.UtcTime()


class AlertChangeShape(serializers.Serializer[Any]):
    before = serializers.CharField()
    after = serializers.ChoiceField(STATES)
    at = query.UtcTime()
    by = serializers.CharField()
    reason = serializers.CharField()


class AlertPointShape(serializers.Serializer[Any]):
    """A measurement; `value` null: it was not known."""

    at = query.UtcTime()
    value = serializers.FloatField(allow_null=True)


class AlertWhole(AlertShape):
    """With its history and what was measured."""

    changes = AlertChangeShape(many=True)
    series = AlertPointShape(many=True)


PLAIN = (
    *(
        "state",
        "severity",
        "title",
        "detail",
        "error",
        "environment",
        "agent",
        "instance",
        "message_id",
        "key",
        "queue",
        "broker",
        "value",
        "threshold",
        "unknown_why",
    ),
    *("count", "raised_by"),
)


def shape(alert: Alert) -> dict[str, Any]:
    moments = ("since", "first_raised_at", "last_raised_at")
    return {
        "id": str(alert.pk),
        **{name: getattr(alert, name) for name in PLAIN},
        **{name: clock.rfc3339(getattr(alert, name)) for name in moments},
        "rule": alert.rule.name if alert.rule else "",
        "unknown_since": _moment(alert.unknown_since),
        "under": str(alert.under_id) if alert.under_id else None,
        "silenced_until": _moment(alert.silence.ends_at) if alert.silence else None,
        "told_at": _moment(alert.told_at),
    }


def whole(alert: Alert) -> dict[str, Any]:
    changes = [
        {name: getattr(each, name) for name in ("before", "after", "by", "reason")}
        | {"at": clock.rfc3339(each.at)}
        for each in selectors.changes_of(alert)
    ]
    series = [{"at": clock.rfc3339(each.at), "value": each.value} for each in selectors.series_of(alert)]
    return shape(alert) | {"changes": changes, "series": series}


def _moment(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None


class AlertView(ApiView):
    """A view of alerts."""

    permission = Permission.SEE

    def actor(self, why: str = "") -> Actor:
        return Actor(self.subject, source_of(self.request), why)

    def found(self, id: UUID) -> Alert:
        alert = selectors.one(self.subject, id)
        if alert is None:
            detail, remedy = f"There is no alert {id} that you may see.", "GET /api/v1/alerts lists them."
            raise ProblemError(Problem(404, "Not found", detail, remedy))
        return alert


class Alerts(AlertView):
    """The list."""

    @extend_schema(
        operation_id="alerts_list",
        summary="Alerts, those raised last first",
        parameters=[AlertFilters, *PAGING],
        responses=listed(AlertShape),
    )
    def get(self, request: Request) -> Response:
        found = selectors.seen_by(self.subject).select_related("rule", "silence")
        wanted = query.read(request, AlertFilters)
        if rule := wanted.pop("rule", ""):
            wanted["rule__name"] = rule
        rows = found.filter(**wanted)
        return paging.response(request, paging.page(request, rows, selectors.NEWEST), shape)


class RaiseAlert(AlertView):
    """What agents call."""

    permission = Permission.RAISE_ALERTS

    @extend_schema(
        operation_id="alerts_raise",
        summary="Raise an alert, or count it when it is open already",
        request=AlertRaised,
        responses={201: AlertShape, 200: AlertShape},
    )
    def post(self, request: Request) -> Response:
        said, usual = query.body(request, AlertRaised), settings.POSTROOM.environment
        stated = said.pop("environment", "")
        environment = scoping.home(self.subject, Permission.RAISE_ALERTS, stated, usual)
        wanted = Raised(environment=environment, **said | {"severity": Severity(said["severity"])})
        alert, new = raising.raise_(wanted, self.actor())
        return Response(shape(alert), status=201 if new else 200)


class OneAlert(AlertView):
    """One alert."""

    @extend_schema(
        operation_id="alerts_get",
        summary="One alert, its history and what was measured",
        responses=AlertWhole,
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(whole(self.found(id)))


class AcknowledgeAlert(AlertView):
    """Somebody has it."""

    permission = Permission.TRIAGE

    @extend_schema(
        operation_id="alerts_acknowledge",
        summary="Say that somebody has it",
        request=AlertReason,
        responses=AlertShape,
    )
    def post(self, request: Request, id: UUID) -> Response:
        return Response(shape(raising.acknowledge(self.found(id), self.actor(_reason(request)))))


class ClearAlert(AlertView):
    """It is over."""

    permission = Permission.TRIAGE

    @extend_schema(
        operation_id="alerts_clear",
        summary="Say that it is over; raised again it is another alert",
        request=AlertReason,
        responses=AlertShape,
    )
    def post(self, request: Request, id: UUID) -> Response:
        return Response(shape(raising.clear(self.found(id), self.actor(_reason(request)))))


def _reason(request: Request) -> str:
    said = query.checked(AlertReason(data=request.data or {}))
    return str(said["reason"])
