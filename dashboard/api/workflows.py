"""Workflows for programs: the list, one with its hops, its runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.prices import selectors as prices
from agents.prices.values import Book
from agents.topology import spending
from agents.topology.models import WorkflowRow
from agents.topology.workflows import figures, selectors
from agents.topology.workflows.selectors import OneRun, Workflow
from agents.topology.workflows.values import RunState
from core import clock
from core.access.api import Permission
from dashboard.api import paging, query, telemetry
from dashboard.api.prices import CostShape
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.topology import HEALTH, Span, stretch
from dashboard.api.views import ApiView

USUALLY = timedelta(hours=1)
RUN_STATES = [state.value for state in RunState]


class WorkflowFilters(query.Filters):
    """Runs that began since then; without it, within the last hour."""

    environment = serializers.CharField(required=False)
    since = query.UtcTime(required=False, help_text="Taken back to its full minute.")


class SinceFilters(query.Filters):
    since = query.UtcTime(required=False, help_text="Taken back to its full minute.")


class RunFilters(SinceFilters):
    state = serializers.ChoiceField(RUN_STATES, required=False)


class WorkflowShape(serializers.Serializer[Any]):
    """Traces of one shape, by the runs that began in the time asked for."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    environment = serializers.CharField()
    name = serializers.CharField(help_text="As the root span calls it, or empty.")
    agent = serializers.CharField(help_text="Of the root span.")
    operation = serializers.CharField(help_text="Of the root span.")
    state = serializers.ChoiceField(HEALTH, help_text="`unknown`: runs are unfinished.")
    runs = serializers.IntegerField()
    rate = serializers.FloatField(help_text="Runs a minute.")
    done = serializers.IntegerField()
    failing = serializers.IntegerField()
    running = serializers.IntegerField()
    unfinished = serializers.IntegerField(
        help_text="Something was sent, no span shows who took it, and all is silent. `/stuck` says what is stuck."
    )
    success = serializers.FloatField(allow_null=True, help_text="Done of all that ended.")
    p50_ms = serializers.FloatField(
        allow_null=True, help_text="Until the last work, not until the root's end."
    )
    p95_ms = serializers.FloatField(allow_null=True)
    p99_ms = serializers.FloatField(allow_null=True)
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()


class HopShape(serializers.Serializer[Any]):
    """From one agent to the next. Waiting in the queue stands apart from the work."""

    source = serializers.CharField()  # type: ignore[assignment]
    queue = serializers.CharField()
    target = serializers.CharField()
    kind = serializers.ChoiceField(["message", "call"])
    share = serializers.FloatField(help_text="Of the runs, how many go this way.")
    calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    error_ratio = serializers.FloatField()
    state = serializers.ChoiceField(HEALTH)
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)
    p99_ms = serializers.FloatField(allow_null=True)
    wait_p50_ms = serializers.FloatField(allow_null=True)
    wait_p95_ms = serializers.FloatField(allow_null=True)
    wait_p99_ms = serializers.FloatField(allow_null=True)
    skewed = serializers.IntegerField()


class OneWorkflowShape(WorkflowShape):
    path = HopShape(many=True)
    cost = CostShape()


class RunShape(serializers.Serializer[Any]):
    """A run is a trace."""

    trace_id = serializers.CharField()
    state = serializers.ChoiceField(RUN_STATES)
    start = query.UtcTime()
    duration_ms = serializers.FloatField(help_text="Until the last work.")
    spans = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost = CostShape()


class Workflows(ApiView):
    """The list."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="workflows_list",
        summary="Workflows with runs in this time, by name",
        parameters=[WorkflowFilters, *PAGING],
        responses=listed(WorkflowShape),
    )
    def get(self, request: Request) -> Response:
        asked = query.read(request, WorkflowFilters)
        span = until_now(asked)
        rows = selectors.seen_by(self.subject, asked.get("environment", ""))
        found = selectors.in_time(rows, span.since, span.until)
        found.sort(key=_by_title)
        page = paging.page_of(request, found, _by_title)
        return paging.response(request, page, lambda each: figures.of_workflow(each, span.until - span.since))


class OneWorkflow(ApiView):
    """One, with its path."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="workflows_get",
        summary="A workflow: its figures, its usual path with quantiles a hop, and what it cost",
        parameters=[SinceFilters],
        responses=OneWorkflowShape,
    )
    def get(self, request: Request, id: UUID) -> Response:
        span = until_now(query.read(request, SinceFilters))
        row = found(self, id)
        workflow = one(row, span)
        hops = selectors.hops(self.subject, row, span.since, span.until)
        cost = prices.book().cost(spending.of_cells(selectors.uses(row, span.since, span.until)))
        return Response(
            {
                **figures.of_workflow(workflow, span.until - span.since),
                "path": figures.of_hops(hops, workflow.tally.calls),
                "cost": cost.as_data(),
            }
        )


class Runs(ApiView):
    """The runs of one."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="workflows_runs",
        summary="A workflow's runs, the newest first",
        parameters=[RunFilters, *PAGING],
        responses=listed(RunShape),
    )
    def get(self, request: Request, id: UUID) -> Response:
        asked = query.read(request, RunFilters)
        span, row = until_now(asked), found(self, id)
        patience = one(row, span).patience
        state = RunState(asked["state"]) if "state" in asked else None
        rows = selectors.runs(row, span.since, span.until, state, patience)
        book = prices.book()
        page = paging.page(request, rows, ("-start", "-trace_id"))
        return paging.response(request, page, lambda each: run_data(selectors.as_run(each, patience), book))


def until_now(asked: dict[str, Any]) -> Span:
    """The last hour, or since the moment that is asked for."""
    now = clock.now()
    return stretch(asked.get("since") or now - USUALLY, now)


def found(view: ApiView, id: UUID) -> WorkflowRow:
    row = selectors.find(view.subject, id)
    if row is None:
        detail = (
            "There is no such workflow that you may see; one without runs is forgotten when its spans are."
        )
        raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/workflows lists what there is."))
    return row


def one(row: WorkflowRow, span: Span, level: int | None = None) -> Workflow:
    """A workflow in this time; without runs it is there all the same."""
    return next(iter(selectors.in_time([row], span.since, span.until, level)), Workflow(row))


def run_data(run: OneRun, book: Book) -> dict[str, Any]:
    return {
        "trace_id": run.id,
        "state": run.state.value,
        "start": telemetry.rfc3339(run.start),
        "duration_ms": telemetry.milliseconds(run.duration),
        "spans": run.spans,
        "errors": run.errors,
        "input_tokens": run.tokens.input,
        "output_tokens": run.tokens.output,
        "cost": book.cost(spending.of_run(run.uses)).as_data(),
    }


def _by_title(workflow: Workflow) -> tuple[str, int]:
    return workflow.title.casefold(), workflow.row.pk
