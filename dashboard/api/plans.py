"""Plans for programs: which ones, and then what, sealed before anything happens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters.showing import Eyes
from agents.operations import api, selectors
from agents.operations.models import Plan
from agents.operations.values import Action, PlanState, Selection
from core.access.api import Permission
from dashboard import edit_samples
from dashboard.api import operations_shapes as shapes
from dashboard.api import paging, query
from dashboard.api.idempotency import idempotent
from dashboard.api.operations import ITEMS, OperationView, item_page
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.schema_parts import PAGING, listed

MAKE = frozenset({Permission.REDRIVE, Permission.PURGE, Permission.RESTORE, Permission.MOVE})


class PlanView(OperationView):
    """A view of plans."""

    permission = Permission.SEE

    def plan(self, id: UUID) -> Plan:
        found = selectors.plan(self.subject, id)
        if found is None:
            detail = f"There is no plan {id} that you may see."
            raise ProblemError(Problem(404, "Not found", detail, "POST /api/v1/plans makes one."))
        return found


class Plans(PlanView):
    """The list, and making one."""

    permission_by_method = {"POST": MAKE}

    @extend_schema(
        operation_id="plans_list",
        summary="Plans, the newest first",
        parameters=[shapes.PlanFilters, *PAGING],
        responses=listed(shapes.PlanShape),
    )
    def get(self, request: Request) -> Response:
        rows = selectors.plans_seen_by(self.subject).filter(**query.read(request, shapes.PlanFilters))
        return paging.response(request, paging.page(request, rows, selectors.NEWEST), shapes.plan)

    @extend_schema(
        operation_id="plans_make",
        summary="Freeze which letters, and then what; a large plan is sealed a moment later (202)",
        request=shapes.PlanGiven,
        responses={201: shapes.PlanShape, 202: shapes.PlanShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        said = query.body(request, shapes.PlanGiven)
        action = Action(said["action"])
        options = api.parse(action, said.get("options") or {})
        made = api.plan(action, _selection(said["select"]), options, self.actor)
        status = 202 if made.state == PlanState.SEALING else 201
        return Response(shapes.plan(made), status=status, headers={"Location": f"{request.path}/{made.pk}"})


class OnePlan(PlanView):
    """One plan."""

    @extend_schema(
        operation_id="plans_get",
        summary="A plan: its members' number and hash, guards, reach, and what came since",
        responses=shapes.PlanShape,
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(shapes.plan(self.plan(id)))


class PlanItems(PlanView):
    """A plan's members."""

    @extend_schema(
        operation_id="plans_items",
        summary="A plan's members, in the order that was sealed",
        parameters=[shapes.ItemFilters, *PAGING],
        responses=ITEMS,
    )
    def get(self, request: Request, id: UUID) -> Response:
        return item_page(self, request, selectors.members(self.plan(id)))


class PlanEditSamples(PlanView):
    """What an edit would do."""

    permission = Permission.EDIT

    @extend_schema(
        operation_id="plans_edit_samples",
        summary="An edit on the plan's first members, before a plan is sealed with it; nothing is changed",
        request=shapes.EditSamplesAsked,
        responses=shapes.EditSamplesShape,
    )
    def post(self, request: Request, id: UUID) -> Response:
        found, said = self.plan(id), query.body(request, shapes.EditSamplesAsked)
        edit = api.parse(Action.REDRIVE, {"edit": said["edit"]}).edit
        eyes = Eyes(self.subject)
        shown = edit_samples.samples(self.subject, found, edit, lambda letter: eyes.may_read(letter.place))
        return Response({"results": [shapes.edit_sample(each) for each in shown]})


def _selection(given: dict[str, Any]) -> Selection:
    return Selection(
        ids=tuple(given.get("ids", ())),
        group=given.get("group", ""),
        filter=given.get("filter", {}),
        receipt=given.get("receipt", ""),
        queue=given.get("queue", ""),
        messages=tuple(given.get("messages", ())),
        everything="filter" in given and not given["filter"],
    )
