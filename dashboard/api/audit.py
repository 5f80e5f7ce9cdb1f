"""The audit trail for programs: read it, add to it, ask whether it holds."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.access import scoping
from core.access.api import Permission, Place, Subject
from core.access.audit import selectors
from core.access.audit.api import Action, Target, record
from core.access.audit.models import Entry, Verification
from dashboard.api import paging, query
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.schema_parts import IDEMPOTENCY_KEY, PAGING, listed
from dashboard.api.views import ApiView, source_of

# Details are evidence, not a place to keep things.
MOST_DETAILS = 16 * 1024
ORDER = ("-sequence",)


class AuditFilters(query.Filters):
    """Which entries; the newest come first."""

    who = serializers.CharField(required=False, help_text="Name or id of who did it.")
    action = serializers.CharField(
        required=False,
        help_text="`access.token_created`; with a dot at the end, all that begin so: `access.`",
    )
    on = serializers.CharField(required=False, help_text="Id, name or kind of what it was done to.")
    since = query.UtcTime(required=False)
    until = query.UtcTime(required=False)
    q = serializers.CharField(required=False, help_text="This text anywhere in the entry.")
    environment = serializers.CharField(required=False)


class ActorShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    via = serializers.CharField(help_text="How it proved who it is.")


class TargetShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    environment = serializers.CharField(allow_null=True)
    queue = serializers.CharField(allow_null=True)
    agent = serializers.CharField(allow_null=True)


class AuditEntryShape(serializers.Serializer[Any]):
    """Who did what, on what, from where, why, before and after; and how it hangs in the chain."""

    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    at = query.UtcTime()
    action = serializers.CharField()
    by = ActorShape()
    on = TargetShape()
    source = serializers.CharField()  # type: ignore[assignment]
    why = serializers.CharField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    segment = serializers.CharField()
    previous = serializers.CharField()
    hash = serializers.CharField()


class VerificationShape(serializers.Serializer[Any]):
    """What the last verification of the whole chain found; `holds` null: there was none yet."""

    holds = serializers.BooleanField(allow_null=True)
    at = query.UtcTime(allow_null=True)
    entries = serializers.IntegerField()
    broken_at = serializers.IntegerField(allow_null=True)
    finding = serializers.CharField()


class ReportedTarget(serializers.Serializer[Any]):
    """What the agent acted on, and where that is."""

    kind = serializers.CharField(max_length=100)
    id = serializers.CharField(max_length=500)
    name = serializers.CharField(max_length=500, required=False, default="")
    environment = serializers.CharField(max_length=200, required=False)
    queue = serializers.CharField(max_length=500, required=False, default=None, allow_null=True)
    agent = serializers.CharField(max_length=500, required=False, default=None, allow_null=True)


class Reported(serializers.Serializer[Any]):
    """What an agent did, in its own words. Shorter: `reason`, `detail`, `agent`, `environment` beside the action, `on`
    as a word or left out."""

    action = serializers.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$",
        error_messages={
            "invalid": "1 to 100 letters, digits and _ . : - are allowed, such as orders.refunded."
        },
    )
    on = ReportedTarget()
    why = serializers.CharField(required=False, default="", max_length=2000, allow_blank=True)
    details = serializers.DictField(required=False, default=dict)

    def validate_details(self, value: dict[str, Any]) -> dict[str, Any]:
        size = len(json.dumps(value).encode())
        if size > MOST_DETAILS:
            raise serializers.ValidationError(
                f"{size:,} bytes are too many: at most {MOST_DETAILS:,} are kept."
            )
        return value


class AuditTrail(ApiView):
    """The list, and adding to it."""

    permission = Permission.READ_AUDIT
    permission_by_method = {"POST": Permission.WRITE_AUDIT}

    @extend_schema(
        operation_id="audit_list",
        summary="Entries of the audit trail, the newest first",
        parameters=[AuditFilters, *PAGING],
        responses=listed(AuditEntryShape),
    )
    def get(self, request: Request) -> Response:
        wanted = selectors.Filter(**query.read(request, AuditFilters))
        rows = selectors.entries(wanted).filter(selectors.visible(self.subject))
        return paging.response(request, paging.page(request, rows, ORDER), selectors.as_data)

    @extend_schema(
        operation_id="audit_report",
        summary="Add an entry about what an agent did",
        request=Reported,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: AuditEntryShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        said = query.checked(Reported(data=spelled_out(request.data)))
        target = _target(said["on"], self.subject)
        self.allow(Permission.WRITE_AUDIT, target.place)
        sequence = record(
            Action.AGENT_REPORTED,
            by=self.subject,
            on=target,
            source=source_of(request),
            why=said["why"],
            after={"action": said["action"], "details": said["details"]},
        )
        return Response(selectors.as_data(Entry.objects.get(sequence=sequence)), status=201)


class AuditEntry(ApiView):
    """One entry."""

    permission = Permission.READ_AUDIT

    @extend_schema(
        operation_id="audit_get", summary="One entry of the audit trail", responses=AuditEntryShape
    )
    def get(self, request: Request, id: str) -> Response:
        entry = Entry.objects.filter(selectors.visible(self.subject), id=id).first()
        if entry is None:
            detail = f"There is no entry {id} that you may read; old months are dropped."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/audit lists what there is."))
        return Response(selectors.as_data(entry))


class AuditVerification(ApiView):
    """Whether the chain holds, as found by the last verification in the background."""

    permission = Permission.READ_AUDIT

    @extend_schema(
        operation_id="audit_verification",
        summary="What the last verification of the chain found",
        responses={200: OpenApiResponse(VerificationShape)},
    )
    def get(self, request: Request) -> Response:
        return Response(_verification(selectors.latest_verification()))


def spelled_out(said: Any) -> Any:
    """The library's shorter way to say it: `reason`, `detail`, `agent` and `environment` beside the action, and `on` as
    a word, or left out when it is about the agent itself."""
    if not isinstance(said, dict):
        return said
    found = {"why": said.get("reason", ""), "details": said.get("detail") or {}} | said
    agent, on = said.get("agent"), said.get("on")
    if on is None and agent:
        on = {"kind": "agent", "id": agent}
    elif isinstance(on, str):
        on = {"kind": "thing", "id": on}
    if isinstance(on, dict):
        on = {name: said[name] for name in ("agent", "environment") if said.get(name)} | on
    return found | {"on": on}


def _target(on: dict[str, Any], subject: Subject) -> Target:
    usual = settings.POSTROOM.environment
    environment = scoping.home(subject, Permission.WRITE_AUDIT, on.get("environment", ""), usual)
    place = Place(environment, on["queue"], on["agent"])
    return Target(on["kind"], on["id"], on["name"], place)


def _verification(last: Verification | None) -> dict[str, Any]:
    if last is None:
        return {"holds": None, "at": None, "entries": 0, "broken_at": None, "finding": "not verified yet"}
    return {
        "holds": last.holds,
        "at": clock.rfc3339(last.at),
        "entries": last.entries,
        "broken_at": last.broken_at,
        "finding": last.finding,
    }
