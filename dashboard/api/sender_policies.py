"""Sender policies for programs, and the keys by which receivers check who sent."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import condition, require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.registry.models import SenderPolicy
from agents.registry.public_keys import PublicKey
from agents.registry.services import policies, signing
from core.access import scoping
from core.access.api import Permission, Place, may
from core.access.services import Actor
from core.access.signing import own_jwk
from dashboard.api import query
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.views import ApiView, source_of

EFFECTS = [SenderPolicy.ALLOW, SenderPolicy.DENY]
READ = frozenset({Permission.DISCOVER, Permission.MANAGE_ACCESS})
# Where no policy matches. Closing what is not named takes one policy in the last place, and no setting.
DEFAULT = SenderPolicy.ALLOW
# A key that was taken back is believed no longer than this by whoever keeps the list.
KEEP_KEYS_SECONDS = 60


def _pattern() -> serializers.CharField:
    return serializers.CharField(max_length=200, required=False)


class PolicyFilters(query.Filters):
    """Whose policies."""

    recipient = serializers.CharField(required=False, help_text="Only those that may match this agent.")
    environment = serializers.CharField(
        required=False, help_text="Left out: the one that the token is bound to."
    )


class PolicyGiven(serializers.Serializer[Any]):
    """Patterns (`*`, `?`); what is left out is everything."""

    position = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    environment = _pattern()
    sender = _pattern()
    recipient = _pattern()
    action = _pattern()
    effect = serializers.ChoiceField(EFFECTS)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True)


class PolicyChange(PolicyGiven):
    """What is to change."""

    effect = serializers.ChoiceField(EFFECTS, required=False)


class PolicyShape(serializers.Serializer[Any]):
    """The first that matches decides."""

    id = serializers.IntegerField()
    position = serializers.IntegerField()
    environment = serializers.CharField()
    sender = serializers.CharField()
    recipient = serializers.CharField()
    action = serializers.CharField()
    effect = serializers.ChoiceField(EFFECTS)
    note = serializers.CharField()


class PoliciesShape(serializers.Serializer[Any]):
    """All of them at once, in the order in which they decide."""

    results = PolicyShape(many=True)
    vars()["default"] = serializers.ChoiceField(EFFECTS, help_text="Where none matches.")


def shape(policy: SenderPolicy) -> dict[str, Any]:
    return {"id": policy.pk, **{name: getattr(policy, name) for name in policies.FIELDS}}


class PolicyView(ApiView):
    """A view of sender policies."""

    permission = Permission.MANAGE_ACCESS

    @property
    def actor(self) -> Actor:
        return Actor(self.subject, source_of(self.request))

    def found(self, id: int) -> SenderPolicy:
        policy = SenderPolicy.objects.filter(pk=id).first()
        if policy is None:
            raise ProblemError(Problem(404, "Not found", f"There is no sender policy {id}."))
        return policy


class SenderPolicies(PolicyView):
    """What receivers ask, and making one."""

    permission = READ  # type: ignore[assignment]
    permission_by_method = {"POST": Permission.MANAGE_ACCESS}

    @extend_schema(
        operation_id="sender_policies_list",
        summary="Who may ask whom for what, in the order in which it is decided; with an ETag",
        parameters=[PolicyFilters],
        responses=PoliciesShape,
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, PolicyFilters)
        environment = self._environment(given.get("environment", ""))
        found = policies.applying(environment, given.get("recipient", ""))
        answer = {"results": [shape(each) for each in found], "default": DEFAULT}
        etag = f'"{_digest(answer)}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers=headers)
        return Response(answer, headers=headers)

    @extend_schema(
        operation_id="sender_policies_create",
        summary="Make a sender policy",
        request=PolicyGiven,
        responses={201: PolicyShape},
    )
    def post(self, request: Request) -> Response:
        said = query.body(request, PolicyGiven)
        policy = SenderPolicy(**said)
        policies.save(policy, self.actor)
        return Response(shape(policy), status=201)

    def _environment(self, stated: str) -> str:
        """Refused where the asker may neither discover nor manage."""
        usual = settings.POSTROOM.environment
        environment = scoping.home(self.subject, Permission.DISCOVER, stated, usual)
        place = Place(environment)
        if not may(self.subject, Permission.MANAGE_ACCESS, place):
            self.allow(Permission.DISCOVER, place)
        return environment


class OneSenderPolicy(PolicyView):
    """One policy."""

    @extend_schema(operation_id="sender_policies_get", summary="One sender policy", responses=PolicyShape)
    def get(self, request: Request, id: int) -> Response:
        policy = self.found(id)
        self.allow(Permission.MANAGE_ACCESS, Place(policy.environment))
        return Response(shape(policy))

    @extend_schema(
        operation_id="sender_policies_change",
        summary="Change a sender policy",
        request=PolicyChange,
        responses=PolicyShape,
    )
    def patch(self, request: Request, id: int) -> Response:
        policy = self.found(id)
        said = query.body(request, PolicyChange)
        for name, value in said.items():
            setattr(policy, name, value)
        policies.save(policy, self.actor)
        return Response(shape(policy))

    @extend_schema(
        operation_id="sender_policies_delete", summary="Delete a sender policy", responses={204: None}
    )
    def delete(self, request: Request, id: int) -> HttpResponse:
        policies.delete(self.found(id), self.actor)
        return HttpResponse(status=204)


# ---- Published keys --------------------------------------------------------------------------------------------
def jwk_set() -> dict[str, list[dict[str, str]]]:
    """Every key that receivers may believe, Postroom's own first."""
    rows = signing.published()
    agents = [PublicKey(row.kid, row.x).jwk(row.agent.agent_id, row.agent.environment) for row in rows]
    return {"keys": [own_jwk(), *agents]}


def _etag(request: HttpRequest) -> str:
    request.jwk_set = jwk_set()  # type: ignore[attr-defined]
    return f'"{_digest(request.jwk_set)}"'  # type: ignore[attr-defined]


@require_safe
@condition(etag_func=_etag)
def jwks(request: HttpRequest) -> HttpResponse:
    """Open to all: a public key is no secret, and a receiver may be anybody."""
    answer = JsonResponse(request.jwk_set, content_type="application/jwk-set+json")  # type: ignore[attr-defined]
    answer["Cache-Control"] = f"public, max-age={KEEP_KEYS_SECONDS}"
    return answer


def _digest(answer: Any) -> str:
    return hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:32]
