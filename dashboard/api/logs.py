"""Log records for programs: search, and follow what is committed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.spans import language, listing
from agents.spans.api import Condition, Op, Query
from agents.spans.services import store
from agents.spans.values import trace_id_of
from agents.spans.words import SEVERITIES
from core.access.api import Permission
from dashboard.api import paging, query, telemetry
from dashboard.api.problems import invalid
from dashboard.api.schema_parts import PAGING
from dashboard.api.trace_shapes import LogShape, log_data
from dashboard.api.traces import SearchFilters
from dashboard.api.views import ApiView

# `tail=now` begins at the end.
NOW = "now"
# Fields that a parameter narrows to.
FIELDS = {"agent": "agent", "trace": "trace_id", "message": "message_id", "queue": "queue"}


class LogFilters(SearchFilters):
    """Which log records. The fields beside `q` narrow it further."""

    severity = serializers.ChoiceField(list(SEVERITIES), required=False, help_text="This grave or graver.")
    agent = serializers.CharField(required=False)
    trace = serializers.CharField(required=False, help_text="A trace id in hex.")
    message = serializers.CharField(required=False)
    queue = serializers.CharField(required=False)
    tail = serializers.CharField(
        required=False,
        help_text="`now`, or `tail` of the answer before: what was committed since, oldest first.",
    )


LOG_PAGE = inline_serializer(
    "LogPage",
    {
        "results": LogShape(many=True),
        "next": serializers.CharField(allow_null=True),
        "tail": serializers.CharField(help_text="Follow from here with `tail`."),
        "more": serializers.BooleanField(help_text="Only with `tail`: asking again at once is worth it."),
    },
)


class Logs(ApiView):
    """The list, and its live end."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="logs_list",
        summary="Log records that match, the newest first; or what came since",
        parameters=[LogFilters, *PAGING],
        responses=LOG_PAGE,
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, LogFilters)
        with telemetry.answering():
            if "tail" in given:
                return self._tail(wanted(given), given["tail"])
            return self._list(request, wanted(given))

    def _list(self, request: Request, search: Query) -> Response:
        asker, tail = telemetry.asker(self.subject), store().now_cursor()
        found = listing.logs(
            store(),
            search,
            limit=paging.limit_of(request),
            cursor=request.query_params.get("cursor", ""),
            reach=asker.reach,
            seen=asker.log,
        )
        rows = [log_data(record) for record in found.rows]
        return Response({"results": rows, "next": found.next or None, "tail": tail, "more": False})

    def _tail(self, search: Query, cursor: str) -> Response:
        asker = telemetry.asker(self.subject)
        start = store().now_cursor() if cursor == NOW else cursor
        since = listing.log_tail(store(), search, start, reach=asker.reach, seen=asker.log)
        rows = [log_data(record) for record in since.rows]
        return Response({"results": rows, "next": None, "tail": since.cursor, "more": since.more})


def wanted(given: dict[str, Any]) -> Query:
    """The search of a request's parameters."""
    if given.get("trace") and trace_id_of(given["trace"]) is None:
        raise invalid("trace", f"{given['trace']!r} is no trace id: 32 characters of hex are one.")
    search = telemetry.query_of(
        language.parse_logs,
        given.get("q", ""),
        since=given.get("since"),
        until=given.get("until"),
        environment=given.get("environment", ""),
        **{field: given[name] for name, field in FIELDS.items() if name in given},
    )
    if not given.get("severity"):
        return search
    grave = Condition("severity", Op.AT_LEAST, SEVERITIES[given["severity"]])
    return replace(search, conditions=(*search.conditions, grave))
