"""Operations for programs: started with a sealed plan, held up, gone on with, approved, settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.operations import api, selectors
from agents.operations.errors import (
    OperationError,
    ReasonMissingError,
    SelectionRefusedError,
    WrongCountError,
)
from agents.operations.models import Item, Operation
from agents.operations.options import OptionRefusedError
from agents.operations.values import GuardKind, Verdict
from core.access import routes
from core.access.api import Permission
from core.access.services import Actor
from dashboard.api import operations_shapes as shapes
from dashboard.api import paging, query
from dashboard.api.access import AccessView
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed

# Whoever may do any of these somewhere comes in; the operation itself decides about its places.
DO = frozenset({Permission.REDRIVE, Permission.PURGE, Permission.RESTORE, Permission.MOVE})
ITEMS = listed(shapes.ItemShape)
F = TypeVar("F", bound=Callable[..., Response])
# Errors that are about one field of the request.
FIELDS: dict[type[OperationError], str] = {ReasonMissingError: "reason", WrongCountError: "count"}


class OperationView(AccessView):
    """A view whose services may refuse with a sentence: a 400 that names the field, or a 409."""

    permission: ClassVar[routes.Needed | None] = Permission.SEE

    def handle_exception(self, exc: Exception) -> Any:
        return super().handle_exception(_problem(exc) or exc)

    def found(self, id: UUID) -> Operation:
        operation = selectors.one(self.subject, id)
        if operation is None:
            detail = f"There is no operation {id} that you may see."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/operations lists them."))
        return operation


def _problem(exc: Exception) -> ProblemError | None:
    if isinstance(exc, OptionRefusedError):
        return invalid(f"options.{exc.field}", f"{exc.detail}.")
    if isinstance(exc, SelectionRefusedError):
        return invalid(exc.field or "select", f"{exc.detail}.")
    if isinstance(exc, OperationError):
        if field := FIELDS.get(type(exc)):
            return invalid(field, str(exc))
        return ProblemError(Problem(409, "Not possible", str(exc), kind="operation"))
    return None


def item_page(view: OperationView, request: Request, rows: QuerySet[Item]) -> Response:
    """Members, with what the asker may see of their letters."""
    page = paging.page(request, rows.filter(**query.read(request, shapes.ItemFilters)), ("state", "ordinal"))
    letters = selectors.letters_of(page.rows, view.subject)
    return paging.response(request, page, lambda row: shapes.item(row, letters))


class Operations(OperationView):
    """The list, and starting one."""

    permission_by_method = {"POST": DO}

    @extend_schema(
        operation_id="operations_list",
        summary="Operations, the newest first",
        parameters=[shapes.OperationFilters, *PAGING],
        responses=listed(shapes.OperationShape),
    )
    def get(self, request: Request) -> Response:
        rows = selectors.seen_by(self.subject).filter(**query.read(request, shapes.OperationFilters))
        return paging.response(request, paging.page(request, rows, selectors.NEWEST), shapes.operation)

    @extend_schema(
        operation_id="operations_start",
        summary="Carry a sealed plan out, once; above an approval limit it waits for a second person",
        request=shapes.StartGiven,
        responses={201: shapes.OperationShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = query.body(request, shapes.StartGiven)
        plan = selectors.plan(self.subject, given["plan"])
        if plan is None:
            raise invalid(
                "plan", f"There is no plan {given['plan']} that you may see.", "POST /api/v1/plans makes one."
            )
        leave_out = [GuardKind(each) for each in given.get("leave_out", ())]
        started = api.start(plan, given["reason"], self.actor, leave_out=leave_out, count=given.get("count"))
        headers = {"Location": f"{request.path}/{started.pk}"}
        return Response(shapes.operation(started), status=201, headers=headers)


class OneOperation(OperationView):
    """One operation."""

    @extend_schema(
        operation_id="operations_get",
        summary="An operation with its tally, which always adds up, and its timeline",
        responses=shapes.WholeOperationShape,
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(shapes.whole(self.found(id)))


class OperationItems(OperationView):
    """Its members."""

    @extend_schema(
        operation_id="operations_items",
        summary="An operation's members by state, each with its reason and the grade of its evidence",
        parameters=[shapes.ItemFilters, *PAGING],
        responses=ITEMS,
    )
    def get(self, request: Request, id: UUID) -> Response:
        return item_page(self, request, selectors.items(self.found(id)))


class OperationSamples(OperationView):
    """Its figures over time."""

    @extend_schema(
        operation_id="operations_samples",
        summary="An operation's figures over time, the first first",
        responses=shapes.SampleShape(many=True),
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response([shapes.sample(each) for each in selectors.samples(self.found(id))])


class _Step(OperationView):
    """A step of an operation: what it is asked with, and what takes it."""

    given: type[serializers.Serializer[Any]] = shapes.RejectGiven
    permission: ClassVar[routes.Needed | None] = DO

    def take(self, operation: Operation, given: dict[str, Any], actor: Actor) -> Any:
        raise NotImplementedError

    def post(self, request: Request, id: UUID) -> Response:
        given = query.body(request, self.given)
        operation = self.found(id)
        answer = self.take(operation, given, Actor(self.subject, self.actor.source, given.get("reason", "")))
        return Response(answer)


def _step(
    name: str, summary: str, given: type[Any] = shapes.RejectGiven, shape: Any = shapes.OperationShape
) -> Callable[[F], F]:
    decorated: Callable[[F], F] = extend_schema(
        operation_id=f"operations_{name}", summary=summary, request=given, responses=shape
    )
    return decorated


def _told(do: Callable[[Operation, Actor], Operation], operation: Operation, actor: Actor) -> dict[str, Any]:
    return shapes.operation(do(operation, actor))


class Pause(_Step):
    """Nothing more is sent."""

    @_step("pause", "Send nothing more until it is resumed")
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)

    def take(self, operation: Operation, given: dict[str, Any], actor: Actor) -> Any:
        return _told(api.pause, operation, actor)


class Resume(_Step):
    """It goes on."""

    @_step("resume", "Go on, from paused or halted")
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)

    def take(self, operation: Operation, given: dict[str, Any], actor: Actor) -> Any:
        return _told(api.resume, operation, actor)


class Cancel(_Step):
    """What waits stays untouched."""

    @_step("cancel", "Leave what waits untouched; what was sent stays sent")
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)

    def take(self, operation: Operation, given: dict[str, Any], actor: Actor) -> Any:
        return _told(api.cancel, operation, actor)


class Approve(_Step):
    """The second person says yes."""

    given = shapes.ApproveGiven
    permission = Permission.APPROVE

    @_step(
        "approve", "Be the second person; another hash than the operation's is refused", shapes.ApproveGiven
    )
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)

    def take(self, operation: Operation, given: dict[str, Any], actor: Actor) -> Any:
        return shapes.operation(api.approve(operation, given["sha256"], actor, given.get("reason", "")))


class Reject(_Step):
    """The second person says no."""

    permission = Permission.APPROVE

    @_step("reject", "Say no as the second person: its members stay as they are")
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)

    def take(self, operation: Operation, given: dict[str, Any], actor: Actor) -> Any:
        return shapes.operation(api.reject(operation, actor, given.get("reason", "")))


class Settle(_Step):
    """What became of the unknown ones."""

    given = shapes.SettleGiven
    permission = Permission.SETTLE

    @_step(
        "settle",
        "Say what became of messages whose outcome is unknown",
        shapes.SettleGiven,
        shapes.SettledShape,
    )
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)

    def take(self, operation: Operation, given: dict[str, Any], actor: Actor) -> Any:
        return {"settled": api.settle(operation, Verdict(given["verdict"]), actor, given.get("letters"))}
