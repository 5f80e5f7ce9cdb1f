"""Redrive policies for programs: which letters are sent again by themselves, when, and how many at most."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.operations.models import RedrivePolicy
from agents.operations.services import policies
from agents.operations.services.policies import FIELDS, PolicyRefusedError
from core.access.api import Permission
from dashboard.api import paging, query
from dashboard.api.access import AccessView
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed

MOST = 2**31 - 1


def _pattern() -> serializers.CharField:
    return serializers.CharField(max_length=200, required=False)


class PolicyFilters(query.Filters):
    """Which policies."""

    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)


class RedrivePolicyChange(serializers.Serializer[Any]):
    """What is to change."""

    name = serializers.CharField(max_length=300, required=False)
    enabled = serializers.BooleanField(required=False, help_text="Off until somebody switches it on.")
    environment = _pattern()
    queue = _pattern()
    agent = _pattern()
    error = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        help_text="Only errors whose type contains this. Empty: any.",
    )
    delay_s = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST,
        help_text="How long a letter rests after its last death.",
    )
    at_most = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST,
        help_text="How often a letter is redriven, by anybody, before it is left to people.",
    )
    budget = serializers.IntegerField(
        required=False, min_value=1, max_value=1_000_000, help_text="The most letters in an hour."
    )
    rate = serializers.FloatField(
        required=False,
        allow_null=True,
        min_value=0.01,
        help_text="Messages a second; null: as fast as the consumer keeps up.",
    )
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class RedrivePolicyGiven(RedrivePolicyChange):
    """A policy; what is left out has its default, and a scope that is left out is everything."""

    name = serializers.CharField(max_length=300)


class RedrivePolicyShape(serializers.Serializer[Any]):
    """Letters of the class transient within the scope are redriven by themselves, as ordinary operations."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    enabled = serializers.BooleanField()
    environment = serializers.CharField()
    queue = serializers.CharField()
    agent = serializers.CharField()
    error = serializers.CharField()
    delay_s = serializers.IntegerField()
    at_most = serializers.IntegerField()
    budget = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    note = serializers.CharField()
    checked_at = query.UtcTime(allow_null=True, help_text="When it last looked for letters.")
    said = serializers.CharField(help_text="What it did then, or why it waits.")


def shape(policy: RedrivePolicy) -> dict[str, Any]:
    return RedrivePolicyShape(policy).data


class PolicyView(AccessView):
    """A view of redrive policies."""

    permission = Permission.MANAGE_LETTERS

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, PolicyRefusedError):
            exc = invalid(exc.field, f"{exc.detail}.")
        return super().handle_exception(exc)

    def found(self, id: int) -> RedrivePolicy:
        policy = policies.seen_by(self.subject).filter(pk=id).first()
        if policy is None:
            detail = f"There is no redrive policy {id} that you manage."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/policies lists them."))
        return policy


class Policies(PolicyView):
    """The list, and making one."""

    @extend_schema(
        operation_id="policies_list",
        summary="Redrive policies within what you manage",
        parameters=[PolicyFilters, *PAGING],
        responses=listed(RedrivePolicyShape),
    )
    def get(self, request: Request) -> Response:
        given = {
            name: value for name, value in query.read(request, PolicyFilters).items() if value is not None
        }
        rows = policies.seen_by(self.subject).filter(**given)
        return paging.response(request, paging.page(request, rows, ("id",)), shape)

    @extend_schema(
        operation_id="policies_create",
        summary="Make a redrive policy; you must manage letters and may redrive in all of its scope",
        request=RedrivePolicyGiven,
        responses={201: RedrivePolicyShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        said = query.body(request, RedrivePolicyGiven)
        policy = RedrivePolicy(**said)
        policies.save(policy, self.actor)
        return Response(shape(policy), status=201, headers={"Location": f"{request.path}/{policy.pk}"})


class OnePolicy(PolicyView):
    """One policy."""

    @extend_schema(operation_id="policies_get", summary="A redrive policy", responses=RedrivePolicyShape)
    def get(self, request: Request, id: int) -> Response:
        return Response(shape(self.found(id)))

    @extend_schema(
        operation_id="policies_change",
        summary="Change a redrive policy, or switch it on or off",
        request=RedrivePolicyChange,
        responses=RedrivePolicyShape,
    )
    def patch(self, request: Request, id: int) -> Response:
        policy = self.found(id)
        said = query.body(request, RedrivePolicyChange)
        for name in FIELDS:
            if name in said:
                setattr(policy, name, said[name])
        policies.save(policy, self.actor)
        return Response(shape(policy))

    @extend_schema(operation_id="policies_delete", summary="Delete a redrive policy", responses={204: None})
    def delete(self, request: Request, id: int) -> HttpResponse:
        policies.delete(self.found(id), self.actor)
        return HttpResponse(status=204)
