"""Rules of masking for programs: what is hidden beside what is built in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters.models import MaskRule
from agents.deadletters.services import masks
from agents.deadletters.services.masks import FIELDS, MaskRefusedError
from agents.deadletters.values import MaskKind
from core.access.api import Permission, Place
from core.access.services import Actor
from dashboard.api import paging, query
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView, source_of

KINDS = [str(each) for each in MaskKind]


class MaskRuleGiven(serializers.Serializer[Any]):
    """What is to be hidden from those who may not read payloads, everywhere."""

    name = serializers.CharField(max_length=300)
    kind = serializers.ChoiceField(KINDS)
    what = serializers.CharField(
        max_length=2_000,
        help_text="path: customer.email, lines[].iban, *.password; header: x-tenant*; pattern: a regular expression.",
    )
    enabled = serializers.BooleanField(required=False)


class MaskRuleShape(MaskRuleGiven):
    """A rule of masking."""

    id = serializers.UUIDField()


class MaskRuleView(ApiView):
    """A view of rules, which hold everywhere: so does the right to see and change them."""

    permission = Permission.MANAGE_LETTERS

    def found(self, id: UUID) -> MaskRule:
        self.allow(Permission.MANAGE_LETTERS, Place())
        rule = MaskRule.objects.filter(pk=id).first()
        if rule is None:
            detail = f"There is no rule of masking {id}."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/mask-rules lists them."))
        return rule

    def saved(self, request: Request, rule: MaskRule, given: dict[str, Any]) -> dict[str, Any]:
        for name, value in given.items():
            setattr(rule, name, value)
        if MaskRule.objects.filter(name=rule.name).exclude(pk=rule.pk).exists():
            raise invalid("name", f"There is a rule {rule.name!r} already.")
        try:
            return _shape(masks.save(rule, Actor(self.subject, source_of(request))))
        except MaskRefusedError as problem:
            raise invalid("what", str(problem)) from None


class MaskRules(MaskRuleView):
    """The list, and one more."""

    @extend_schema(
        operation_id="mask_rules_list",
        summary="Rules of masking",
        parameters=[*PAGING],
        responses=listed(MaskRuleShape),
    )
    def get(self, request: Request) -> Response:
        query.read(request, query.Filters)
        self.allow(Permission.MANAGE_LETTERS, Place())
        page = paging.page(request, MaskRule.objects.all(), ("name", "id"))
        return paging.response(request, page, _shape)

    @extend_schema(
        operation_id="mask_rules_create",
        summary="Hide one more thing",
        request=MaskRuleGiven,
        responses={201: MaskRuleShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = MaskRuleGiven(data=request.data)
        given.is_valid(raise_exception=True)
        answer = self.saved(request, MaskRule(), dict(given.validated_data))
        return Response(answer, status=201, headers={"Location": f"{request.path}/{answer['id']}"})


class OneMaskRule(MaskRuleView):
    """One rule."""

    @extend_schema(operation_id="mask_rules_get", summary="A rule of masking", responses=MaskRuleShape)
    def get(self, request: Request, id: UUID) -> Response:
        return Response(_shape(self.found(id)))

    @extend_schema(
        operation_id="mask_rules_change",
        summary="Change a rule of masking, or switch it on or off",
        request=MaskRuleGiven(partial=True),
        responses=MaskRuleShape,
    )
    def patch(self, request: Request, id: UUID) -> Response:
        rule, given = self.found(id), MaskRuleGiven(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return Response(self.saved(request, rule, dict(given.validated_data)))

    @extend_schema(
        operation_id="mask_rules_delete",
        summary="Hide it no longer",
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        masks.remove(self.found(id), Actor(self.subject, source_of(request)))
        return HttpResponse(status=204)


def _shape(rule: MaskRule) -> dict[str, Any]:
    return {"id": str(rule.pk), **{name: getattr(rule, name) for name in FIELDS}}
