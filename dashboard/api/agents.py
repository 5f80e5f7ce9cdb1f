"""The registry for programs: register, find who can do a job, drain and weigh versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.registry import offers, public_keys, selectors
from agents.registry.cards import CardRefusedError
from agents.registry.models import Agent
from agents.registry.offers import Offer, Quantile, Wanted
from agents.registry.public_keys import KeyRefusedError
from agents.registry.selectors import Known
from agents.registry.services import carding, registration, signing
from agents.registry.services.registration import UnknownVersionError, VersionChange
from agents.registry.values import Patience, Registration, State
from agents.registry.versions import read
from core.access.api import Permission
from core.access.routes import Needed
from core.access.services import Actor
from core.outbound import OutboundError, RefusedError
from dashboard.api import agents_shapes as shapes
from dashboard.api import paging, query
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView, source_of

CREATED, NO_CONTENT = 201, 204
SEES = frozenset({Permission.DISCOVER, Permission.SEE})


class RegistryView(ApiView):
    """A view of agents."""

    permission: ClassVar[Needed | None] = SEES

    @property
    def actor(self) -> Actor:
        return Actor(self.subject, source_of(self.request))

    def found(self, id: UUID) -> Known:
        known = selectors.one(self.subject, id)
        if known is None:
            remedy = "GET /api/v1/agents lists them."
            raise ProblemError(Problem(404, "Not found", f"There is no agent {id} that you may see.", remedy))
        return known

    def answer(self, known: Known, status: int = 200) -> Response:
        return Response(shapes.agent(known, offers.shares(known.offers)), status=status)


class Agents(RegistryView):
    """Discovery, and registering."""

    permission_by_method = {"POST": Permission.REGISTER}

    @extend_schema(
        operation_id="agents_find",
        summary="Who can do a job: versions of agents, whom to ask first first",
        parameters=[shapes.AgentFilters, *PAGING],
        responses=listed(shapes.OfferShape),
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, shapes.AgentFilters)
        wanted = _wanted(given)
        found = selectors.find(self.subject, wanted, given.get("environment", ""))

        def key(each: Offer) -> tuple[Any, ...]:
            return offers.order(each, wanted)

        return paging.response(
            request, paging.page_of(request, found, key), shapes.offer(offers.shares(found))
        )

    @extend_schema(
        operation_id="agents_register",
        summary="Register an agent; doing it again changes what differs",
        request=shapes.AgentRegistration,
        responses={201: shapes.AgentShape, 200: shapes.AgentShape},
    )
    def post(self, request: Request) -> Response:
        said = query.body(request, shapes.AgentRegistration)
        keys = said.pop("public_keys", None)
        try:
            row, new = self._register(said, keys)
        except KeyRefusedError as problem:
            raise invalid("public_keys", str(problem)) from None
        return self.answer(selectors.known([row])[0], CREATED if new else 200)

    @transaction.atomic
    def _register(self, said: dict[str, Any], keys: list[Any] | None) -> tuple[Agent, bool]:
        """The entry and its keys, both or neither."""
        row, new = registration.register(self._registration(said), self.actor)
        if keys is not None:
            signing.replace(row, public_keys.read(keys), self.actor)
        return row, new

    def _registration(self, said: dict[str, Any]) -> Registration:
        usual = settings.POSTROOM.environment
        environment = registration.home(self.subject, said.pop("environment", ""), usual)
        patience = _patience(said.pop("timeout_s", 0), said.pop("grace_s", 0))
        capabilities = tuple(said.pop("capabilities", ()))
        return Registration(environment=environment, patience=patience, capabilities=capabilities, **said)


class FromCard(RegistryView):
    """Registering an agent by the card that it publishes."""

    permission = Permission.REGISTER

    @extend_schema(
        operation_id="agents_register_from_card",
        summary="Register an agent from its A2A card, and keep up with it",
        request=shapes.FromCard,
        responses={201: shapes.AgentShape, 200: shapes.AgentShape},
    )
    def post(self, request: Request) -> Response:
        said = query.body(request, shapes.FromCard)
        stated, usual = said.get("environment", ""), settings.POSTROOM.environment
        environment = registration.home(self.subject, stated, usual)
        try:
            row, new = carding.from_card(said["url"], environment, self.actor)
        except RefusedError as problem:
            raise invalid("url", str(problem)) from None
        except (OutboundError, CardRefusedError) as problem:
            remedy = "See that the address answers with an A2A card, and send it again."
            raise ProblemError(Problem(502, "No card there", str(problem), remedy)) from None
        return self.answer(selectors.known([row])[0], CREATED if new else 200)


class OneAgent(RegistryView):
    """One agent. What may be changed, and by whom, is decided about its place."""

    @extend_schema(
        operation_id="agents_get", summary="One agent with its versions", responses=shapes.AgentShape
    )
    def get(self, request: Request, id: UUID) -> Response:
        return self.answer(self.found(id))

    @extend_schema(
        operation_id="agents_change",
        summary="Change an agent's entry; drain and weigh its versions",
        request=shapes.AgentPatch,
        responses=shapes.AgentShape,
    )
    def patch(self, request: Request, id: UUID) -> Response:
        known = self.found(id)
        fields = query.body(request, shapes.AgentPatch)
        versions = [
            VersionChange(each["version"], shapes.of_version(each)) for each in fields.pop("versions", ())
        ]
        try:
            row = registration.change(known.agent, fields, versions, self.actor)
        except UnknownVersionError as problem:
            raise invalid("versions", str(problem), "GET the agent to see its versions.") from None
        return self.answer(selectors.known([row])[0])

    @extend_schema(
        operation_id="agents_deregister",
        summary="Forget an agent; it appears again when it is heard again",
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        registration.deregister(self.found(id).agent, self.actor)
        return HttpResponse(status=NO_CONTENT)


def _wanted(given: dict[str, Any]) -> Wanted:
    return Wanted(
        capability=given.get("capability", ""),
        version=read(given.get("version", "")),
        status=State(given["status"]) if "status" in given else None,
        max_latency_ms=given.get("max_latency_ms"),
        quantile=Quantile(given.get("quantile", Quantile.P95)),
        key=given.get("key", ""),
        closed_too=given.get("closed", False),
    )


def _patience(timeout_s: int, grace_s: int) -> Patience | None:
    """Nothing when neither is said: what was set before stays."""
    if not timeout_s and not grace_s:
        return None
    usual = Patience()
    return Patience(timedelta(seconds=timeout_s) or usual.timeout, timedelta(seconds=grace_s) or usual.grace)
