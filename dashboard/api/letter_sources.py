"""Letter sources for programs: dead-letter queues that users have already."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters.models import LetterSource
from agents.deadletters.services import sources
from agents.deadletters.services.sources import AT_MOST_ONCE, FIELDS, SourceError
from agents.deadletters.trouble import Trouble, troubles
from core import clock, live_redis
from core.access.api import Permission, may
from core.access.services import Actor
from dashboard.api import paging, query
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView, source_of

ORDER = ("broker", "queue", "id")


class SourceGiven(serializers.Serializer[Any]):
    """A RabbitMQ queue of dead messages. It is left as it is, and emptied into custody."""

    broker = serializers.CharField(max_length=300)
    queue = serializers.CharField(max_length=300)
    environment = serializers.CharField(max_length=300, required=False, allow_blank=True)
    agent = serializers.CharField(max_length=300, required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)
    note = serializers.CharField(max_length=2_000, required=False, allow_blank=True)


class SourceShape(SourceGiven):
    """A source. `trouble` says why it cannot be emptied now; null: nothing is known to be wrong."""

    id = serializers.UUIDField()
    added_at = query.UtcTime()
    added_by = serializers.CharField()
    trouble = serializers.CharField(allow_null=True)
    warning = serializers.CharField(help_text="What a classic queue may lose on the way.")


class SourceView(ApiView):
    """A view of sources. Who manages letters in a place sees what empties it."""

    permission = Permission.MANAGE_LETTERS

    def found(self, id: UUID) -> LetterSource:
        row = LetterSource.objects.filter(pk=id).first()
        if row is None or not may(self.subject, Permission.MANAGE_LETTERS, sources.place(row)):
            detail = f"There is no letter source {id} that you may see."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/letter-sources lists them."))
        return row

    def saved(self, request: Request, row: LetterSource, given: dict[str, Any]) -> dict[str, Any]:
        for name, value in given.items():
            setattr(row, name, value)
        try:
            return _shape(sources.save(row, Actor(self.subject, source_of(request))), _troubles())
        except SourceError as problem:
            raise invalid(problem.field, str(problem)) from None


class Sources(SourceView):
    """The list, and one more."""

    @extend_schema(
        operation_id="letter_sources_list",
        summary="Letter sources",
        parameters=[*PAGING],
        responses=listed(SourceShape),
    )
    def get(self, request: Request) -> Response:
        query.read(request, query.Filters)
        rows = [
            row
            for row in LetterSource.objects.order_by(*ORDER)
            if may(self.subject, Permission.MANAGE_LETTERS, sources.place(row))
        ]
        wrong = _troubles()
        page = paging.page_of(request, rows, lambda row: (row.broker, row.queue, str(row.pk)))
        return paging.response(request, page, lambda row: _shape(row, wrong))

    @extend_schema(
        operation_id="letter_sources_add",
        summary="Empty one more dead-letter queue into custody",
        request=SourceGiven,
        responses={201: SourceShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        said = query.body(request, SourceGiven)
        return Response(self.saved(request, LetterSource(), said), status=201)


class OneSource(SourceView):
    """One source."""

    @extend_schema(operation_id="letter_sources_get", summary="One letter source", responses=SourceShape)
    def get(self, request: Request, id: UUID) -> Response:
        return Response(_shape(self.found(id), _troubles()))

    @extend_schema(
        operation_id="letter_sources_change",
        summary="Change a letter source",
        request=SourceGiven(partial=True),
        responses=SourceShape,
    )
    def patch(self, request: Request, id: UUID) -> Response:
        row, said = self.found(id), query.body(request, SourceGiven, partial=True)
        return Response(self.saved(request, row, said))

    @extend_schema(
        operation_id="letter_sources_remove",
        summary="Stop emptying a queue; letters and what is on the queue stay",
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        sources.remove(self.found(id), Actor(self.subject, source_of(request)))
        return Response(status=204)


def _troubles() -> list[Trouble]:
    try:
        return troubles()
    except live_redis.Unreachable:
        return []


def _shape(row: LetterSource, wrong: list[Trouble]) -> dict[str, Any]:
    mine = (each.sentence for each in wrong if (each.broker, each.source) == (row.broker, row.queue))
    return {
        "id": str(row.pk),
        **{name: getattr(row, name) for name in FIELDS},
        "added_at": clock.rfc3339(row.added_at),
        "added_by": row.added_by,
        "trouble": next(mine, None),
        "warning": AT_MOST_ONCE,
    }
