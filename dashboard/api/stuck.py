"""Stuck, and where is it, for programs."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.queues.stuck import selectors
from core import clock
from core.access.api import Permission
from dashboard import asked
from dashboard.api import paging, query
from dashboard.api import stuck_shapes as shapes
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.schema_parts import PAGING
from dashboard.api.views import ApiView


class Stuck(ApiView):
    """Why messages do not move."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="stuck_list",
        summary="The causes of stuck messages, that first whose repair frees the most",
        parameters=[shapes.StuckFilters, *PAGING],
        responses=shapes.StuckShape,
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, shapes.StuckFilters)
        verdict = given.pop("verdict", "")
        found = [
            each for each in selectors.causes(self.subject, **given) if not verdict or each.verdict == verdict
        ]
        look = selectors.look()
        answer = paging.response(
            request, paging.page_of(request, found, lambda each: each.order), shapes.cause
        )
        answer.data = {
            "looked_at": clock.rfc3339(look.at) if look.at else None,
            "fresh": look.fresh,
            "why": look.why,
            **answer.data,
        }
        return answer


class Where(ApiView):
    """Where a message is."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="where",
        summary="Where a message is, why it does not move, and what helps",
        parameters=[shapes.WhereFilters],
        responses=shapes.WhereShape,
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, shapes.WhereFilters)
        found = asked.ask(self.subject, given["id"], given.get("environment", ""))
        if found is None:
            detail = f"Nobody has told of {given['id']}, or you may not see what it is."
            remedy = "An id is given whole: of a message, task, trace, conversation or letter."
            raise ProblemError(Problem(404, "Not found", detail, remedy))
        return Response(shapes.where(found))
