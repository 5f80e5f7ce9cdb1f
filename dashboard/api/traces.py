"""Traces for programs: search, one trace whole, counts by field, and what may come next in a search."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.prices import selectors as prices
from agents.spans import autocomplete, language, listing
from agents.spans.api import Query
from agents.spans.services import store
from agents.spans.values import trace_id_of
from agents.spans.words import LOG_WORDS, SPAN_WORDS
from agents.topology import anatomy, spending
from core.access.api import Permission
from dashboard.api import paging, query, telemetry
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.trace_shapes import (
    FacetsShape,
    SuggestionsShape,
    TraceRowShape,
    TraceShape,
    ghost_data,
    path_data,
    row_data,
    span_data,
)
from dashboard.api.views import ApiView

# What is counted unless the request says what.
FACETS = ("agent", "status", "workflow", "operation", "queue", "model", "error_type")
LONGEST_SEARCH = 2_000


class SearchFilters(query.Filters):
    """Which spans. A trace is found by any of its spans."""

    q = serializers.CharField(
        required=False,
        trim_whitespace=False,
        max_length=LONGEST_SEARCH,
        help_text='`agent:extract status:error duration:>2s queue:pay* http.route=/x "free text"`',
    )
    since = query.UtcTime(required=False)
    until = query.UtcTime(required=False)
    environment = serializers.CharField(required=False)


class FacetFilters(SearchFilters):
    fields_ = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """The parameter is called `fields`, which a serializer keeps for itself."""
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


class SuggestionFilters(query.Filters):
    q = serializers.CharField(required=False, trim_whitespace=False, max_length=LONGEST_SEARCH)
    at = serializers.IntegerField(
        required=False, min_value=0, help_text="Where the cursor is; the end if left out."
    )
    of = serializers.ChoiceField(
        ["spans", "logs"], required=False, help_text="Whose language; spans if left out."
    )


class Traces(ApiView):
    """The list."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="traces_list",
        summary="Traces with spans that match, by their newest match, the newest first",
        parameters=[SearchFilters, *PAGING],
        responses=listed(TraceRowShape),
    )
    def get(self, request: Request) -> Response:
        given, asker = query.read(request, SearchFilters), telemetry.asker(self.subject)
        with telemetry.answering():
            found = listing.traces(
                store(),
                wanted(given),
                limit=paging.limit_of(request),
                cursor=request.query_params.get("cursor", ""),
                reach=asker.reach,
                seen=asker.span,
            )
        answer = {"results": [row_data(row) for row in found.rows], "next": found.next or None}
        return Response(answer | {"reached": telemetry.rfc3339(found.reached) if found.reached else None})


class OneTrace(ApiView):
    """A trace whole."""

    permission = Permission.SEE

    @extend_schema(operation_id="traces_get", summary="All spans of a trace", responses=TraceShape)
    def get(self, request: Request, trace_id: str) -> Response:
        asker, wanted_id = telemetry.asker(self.subject), trace_id_of(trace_id)
        if wanted_id is None:
            raise invalid("trace_id", f"{trace_id!r} is no trace id: 32 characters of hex are one.")
        with telemetry.answering():
            trace = store().get_trace(wanted_id, reach=asker.reach)
        if not trace.spans:
            raise ProblemError(missing(trace_id))
        read = anatomy.read(trace.spans)
        return Response(
            {
                "trace_id": wanted_id.hex(),
                "complete": trace.complete,
                "start": telemetry.rfc3339(read.start),
                "duration_ms": telemetry.milliseconds(read.end - read.start),
                "spans": [span_data(asker.span(span)) for span in trace.spans],
                "critical_path": path_data(read),
                "not_received": ghost_data(read),
                "cost": prices.book().cost(spending.of_spans(trace.spans)).as_data(),
            }
        )


class TraceFacets(ApiView):
    """Counts by field."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="traces_facets",
        summary="How many matching spans carry which value",
        parameters=[FacetFilters],
        responses=FacetsShape,
    )
    def get(self, request: Request) -> Response:
        given, asker = query.read(request, FacetFilters), telemetry.asker(self.subject)
        fields = _fields(given.pop("fields", ""))
        with telemetry.answering():
            search = wanted(given)
            if not asker.may_count(search):
                raise ProblemError(_hidden())
            counted = store().facets(search, fields, reach=asker.reach)
        counts = {
            field: [{"value": value, "spans": spans} for value, spans in values]
            for field, values in counted.counts.items()
        }
        return Response({"counts": counts, "total": counted.total, "exact": counted.exact})


class Suggestions(ApiView):
    """What may come next in a search."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="traces_suggestions",
        summary="What may stand at the cursor of a search that is being typed",
        parameters=[SuggestionFilters],
        responses=SuggestionsShape,
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, SuggestionFilters)
        text = given.get("q", "")
        words = LOG_WORDS if given.get("of") == "logs" else SPAN_WORDS
        with telemetry.answering():
            found = autocomplete.suggest(
                store(),
                text,
                min(given.get("at", len(text)), len(text)),
                Query(),
                reach=telemetry.asker(self.subject).reach,
                words=words,
            )
        return Response({"results": [{"text": each.text, "about": each.about} for each in found]})


def wanted(given: dict[str, Any]) -> Query:
    """The search of a request's parameters."""
    return telemetry.query_of(
        language.parse_spans,
        given.get("q", ""),
        since=given.get("since"),
        until=given.get("until"),
        environment=given.get("environment", ""),
    )


def missing(trace_id: str) -> Problem:
    detail = f"There is no trace {trace_id} that you may see; old days are dropped."
    return Problem(404, "Not found", detail, "GET /api/v1/traces lists what there is.")


def _fields(raw: str) -> list[str]:
    asked = [name.strip() for name in raw.split(",") if name.strip()] or list(FACETS)
    known = store().capabilities.facets
    for name in asked:
        if name not in known:
            raise invalid("fields", f"{name} is not counted. Allowed are {', '.join(sorted(known))}.")
    return asked


def _hidden() -> Problem:
    detail = "Counting by text or by an attribute would tell what payloads say, and you may not read them."
    return Problem(403, "Not allowed", detail, "Search by fields only, or ask for the right read_payloads.")
