"""Access for programs: who am I, roles, grants, tokens, approval limits, approvals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import selectors, services
from core.access.api import Permission, Scope
from core.access.models import Approval, ApprovalLimit, GrantRow, Role, Token
from core.access.services import approvals
from core.access.services.errors import NotYoursError
from dashboard.api import access_shapes as shapes
from dashboard.api import paging, query
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView

M = TypeVar("M", bound=Model)
CREATED, NO_CONTENT = 201, 204


class AccessView(ApiView):
    """A view whose services may refuse with a sentence: a 409, or a 403 when it is about the person."""

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, services.AccessError):
            status, title = (403, "Not yours") if isinstance(exc, NotYoursError) else (409, "Not possible")
            exc = ProblemError(Problem(status, title, str(exc), kind="access"))
        return super().handle_exception(exc)

    @property
    def actor(self) -> services.Actor:
        return services.Actor(self.subject, str(self.request.META.get("REMOTE_ADDR", "")))


def _one(rows: QuerySet[M], what: str, **by: Any) -> M:
    found = rows.filter(**by).first()
    if found is None:
        name = next(iter(by.values()))
        raise ProblemError(Problem(404, "Not found", f"There is no {what} {name} that you may see."))
    return found


def _role(name: str) -> Role:
    """A role that a request's body names."""
    role = Role.objects.filter(name=name).first()
    if role is None:
        raise invalid("role", f"There is no role {name}.", "GET /api/v1/roles lists them.")
    return role


class Me(ApiView):
    """Who am I, and what may I do where?"""

    @extend_schema(operation_id="me", summary="Who am I, and what may I do where?", responses=shapes.MeShape)
    def get(self, request: Request) -> Response:
        return Response(shapes.me(self.subject))


class Roles(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(
        operation_id="roles_list", summary="Roles", parameters=[*PAGING], responses=listed(shapes.RoleShape)
    )
    def get(self, request: Request) -> Response:
        query.read(request, query.Filters)
        return paging.response(request, paging.page(request, Role.objects.all(), ("name",)), shapes.role)

    @extend_schema(
        operation_id="roles_create",
        summary="Make a role",
        request=shapes.RoleShape,
        responses={201: shapes.RoleShape},
    )
    def post(self, request: Request) -> Response:
        body = query.body(request, shapes.RoleShape)
        chosen = [Permission(name) for name in body["permissions"]]
        row = services.create_role(body["name"], chosen, self.actor, title=body["title"])
        return Response(shapes.role(row), status=CREATED)


class OneRole(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(operation_id="roles_get", summary="One role", responses=shapes.RoleShape)
    def get(self, request: Request, name: str) -> Response:
        return Response(shapes.role(_one(Role.objects.all(), "role", name=name)))

    @extend_schema(
        operation_id="roles_change",
        summary="Change a role that is not built in",
        request=shapes.RoleChange,
        responses=shapes.RoleShape,
    )
    def patch(self, request: Request, name: str) -> Response:
        row = _one(Role.objects.all(), "role", name=name)
        body = query.body(request, shapes.RoleChange)
        chosen = [Permission(each) for each in body.get("permissions", row.permissions)]
        services.change_role(row, chosen, self.actor, title=body.get("title", row.title))
        row.refresh_from_db()
        return Response(shapes.role(row))

    @extend_schema(
        operation_id="roles_delete", summary="Delete a role that nobody has", responses={204: None}
    )
    def delete(self, request: Request, name: str) -> HttpResponse:
        services.delete_role(_one(Role.objects.all(), "role", name=name), self.actor)
        return HttpResponse(status=NO_CONTENT)


_GRANTS = GrantRow.objects.select_related("role", "user", "group", "service_account")


class Grants(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(
        operation_id="grants_list",
        summary="Grants: who has which role, and where",
        parameters=[shapes.GrantFilters, *PAGING],
        responses=listed(shapes.GrantShape),
    )
    def get(self, request: Request) -> Response:
        fields = {"role": "role__name"} | {
            name: f"{name}__{field}" for name, (_, field) in shapes.HOLDERS.items()
        }
        wanted = {fields[name]: value for name, value in query.read(request, shapes.GrantFilters).items()}
        found = paging.page(request, _GRANTS.filter(**wanted), ("pk",))
        return paging.response(request, found, shapes.grant)

    @extend_schema(
        operation_id="grants_give",
        summary="Give a role",
        request=shapes.NewGrant,
        responses={201: shapes.GrantShape},
    )
    def post(self, request: Request) -> Response:
        body = query.body(request, shapes.NewGrant)
        row = services.give(_holder(body), _role(body["role"]), shapes.scope_of(body), self.actor)
        return Response(shapes.grant(row), status=CREATED)


def _holder(body: dict[str, Any]) -> Any:
    kind = next(name for name in shapes.HOLDERS if name in body)
    model, field = shapes.HOLDERS[kind]
    found = model.objects.filter(**{field: body[kind]}).first()
    if found is None:
        raise invalid(kind, f"There is no {kind.replace('_', ' ')} {body[kind]}.")
    return found


class OneGrant(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(operation_id="grants_get", summary="One grant", responses=shapes.GrantShape)
    def get(self, request: Request, id: int) -> Response:
        return Response(shapes.grant(_one(_GRANTS, "grant", pk=id)))

    @extend_schema(operation_id="grants_take_away", summary="Take a grant away", responses={204: None})
    def delete(self, request: Request, id: int) -> HttpResponse:
        services.take_away(_one(_GRANTS, "grant", pk=id), self.actor)
        return HttpResponse(status=NO_CONTENT)


_TOKENS = Token.objects.select_related("user", "service_account")


class Tokens(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(
        operation_id="tokens_list",
        summary="Tokens, without their secrets",
        parameters=[shapes.TokenFilters, *PAGING],
        responses=listed(shapes.TokenShape),
    )
    def get(self, request: Request) -> Response:
        rows = _TOKENS.filter(**query.read(request, shapes.TokenFilters))
        return paging.response(request, paging.page(request, rows, ("-pk",)), shapes.token)

    # No Idempotency-Key here: to answer the same again, the secret would have to be kept.
    @extend_schema(
        operation_id="tokens_create",
        summary="Make a token; its secret is in this answer and nowhere else",
        request=shapes.NewToken,
        responses={201: shapes.MadeToken},
    )
    def post(self, request: Request) -> Response:
        body = query.body(request, shapes.NewToken)
        scope: Scope | None = shapes.scope_of(body["scope"]) if "scope" in body else None
        new = services.create_named_token(
            body["name"], _role(body["role"]), scope, self.actor, expires_in=body.get("expires_in")
        )
        made = shapes.token(new.row) | {"token": new.secret}
        return Response(made, status=CREATED, headers={"Cache-Control": "no-store"})


class OneToken(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(operation_id="tokens_get", summary="One token", responses=shapes.TokenShape)
    def get(self, request: Request, id: int) -> Response:
        return Response(shapes.token(_one(_TOKENS, "token", pk=id)))

    @extend_schema(
        operation_id="tokens_revoke",
        summary="Revoke a token: it is refused everywhere within a second",
        responses={204: None},
    )
    def delete(self, request: Request, id: int) -> HttpResponse:
        services.revoke_token(_one(_TOKENS, "token", pk=id), self.actor)
        return HttpResponse(status=NO_CONTENT)


_LIMITS = ApprovalLimit.objects.select_related("role")


class ApprovalLimits(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(
        operation_id="approval_limits_list",
        summary="Who needs a second person, for what, above which count",
        parameters=[*PAGING],
        responses=listed(shapes.LimitShape),
    )
    def get(self, request: Request) -> Response:
        query.read(request, query.Filters)
        return paging.response(request, paging.page(request, _LIMITS.all(), ("pk",)), shapes.limit)

    @extend_schema(
        operation_id="approval_limits_create",
        summary="Set a limit",
        request=shapes.LimitShape,
        responses={201: shapes.LimitShape},
    )
    def post(self, request: Request) -> Response:
        body = query.body(request, shapes.LimitShape)
        role = _role(body.pop("role")) if body.get("role") else None
        row = ApprovalLimit(**(body | {"role": role}))
        services.save_limit(row, self.actor)
        return Response(shapes.limit(row), status=CREATED)


class OneApprovalLimit(AccessView):
    permission = Permission.MANAGE_ACCESS

    @extend_schema(operation_id="approval_limits_delete", summary="Take a limit away", responses={204: None})
    def delete(self, request: Request, id: int) -> HttpResponse:
        services.delete_limit(_one(_LIMITS, "approval limit", pk=id), self.actor)
        return HttpResponse(status=NO_CONTENT)


class ApprovalView(AccessView):
    """Whoever asked sees a request, and whoever sees the place it is about."""

    permission = Permission.SEE

    def found(self, id: UUID) -> Approval:
        return _one(selectors.approvals_seen_by(self.subject), "approval", pk=id)

    def shaped(self, row: Approval) -> dict[str, Any]:
        return shapes.approval(row, yours=selectors.may_decide(self.subject, row))

    def decided(self, row: Approval, decide: Callable[[], None]) -> Response:
        decide()
        row.refresh_from_db()
        return Response(self.shaped(row))


class Approvals(ApprovalView):
    @extend_schema(
        operation_id="approvals_list",
        summary="Requests for a second person, the newest first",
        parameters=[shapes.ApprovalFilters, *PAGING],
        responses=listed(shapes.ApprovalShape),
    )
    def get(self, request: Request) -> Response:
        wanted = query.read(request, shapes.ApprovalFilters)
        rows = selectors.approvals_seen_by(self.subject).filter(**wanted)
        return paging.response(request, paging.page(request, rows, ("-id",)), self.shaped)


class OneApproval(ApprovalView):
    @extend_schema(operation_id="approvals_get", summary="One request", responses=shapes.ApprovalShape)
    def get(self, request: Request, id: UUID) -> Response:
        return Response(self.shaped(self.found(id)))


class Approve(ApprovalView):
    permission = Permission.APPROVE

    @extend_schema(
        operation_id="approvals_approve",
        summary="Be the second person",
        request=shapes.Approving,
        responses=shapes.ApprovalShape,
    )
    def post(self, request: Request, id: UUID) -> Response:
        row, body = self.found(id), query.body(request, shapes.Approving)
        return self.decided(row, lambda: approvals.approve(row, body["sha256"], self.actor, body["reason"]))


class Reject(ApprovalView):
    permission = Permission.APPROVE

    @extend_schema(
        operation_id="approvals_reject",
        summary="Refuse a request",
        request=shapes.Rejecting,
        responses=shapes.ApprovalShape,
    )
    def post(self, request: Request, id: UUID) -> Response:
        row, body = self.found(id), query.body(request, shapes.Rejecting)
        return self.decided(row, lambda: approvals.reject(row, self.actor, body["reason"]))


class Withdraw(ApprovalView):
    @extend_schema(
        operation_id="approvals_withdraw",
        summary="Take back what you asked for",
        request=None,
        responses=shapes.ApprovalShape,
    )
    def post(self, request: Request, id: UUID) -> Response:
        row = self.found(id)
        return self.decided(row, lambda: approvals.withdraw(row, self.actor))
