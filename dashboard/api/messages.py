"""The ledger for programs: messages that fit, and one with its whole way."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.ledger import selectors, values
from agents.ledger.attempts import attempts
from agents.ledger.models import Gap, MessageRow
from agents.ledger.values import Sources
from core import clock
from core.access.api import Permission
from dashboard.api import message_shapes as shapes
from dashboard.api import paging, query
from dashboard.api.paging import Page
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView

NEWEST_FIRST = ("-heard", "-pk")
ENVIRONMENT = OpenApiParameter(
    "environment",
    str,
    description="Where ids are the same in several; else the one heard of last is answered.",
)


class Messages(ApiView):
    """The list."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="messages_list",
        summary="Messages that fit, the last heard of first",
        parameters=[shapes.MessageFilters, *PAGING],
        responses=listed(shapes.MessageShape),
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, shapes.MessageFilters)
        found = paging.page(request, selectors.find(self.subject, shapes.wanted(given)), NEWEST_FIRST)
        pairs = list(zip(found.rows, selectors.shown_states(found.rows), strict=True))
        return paging.response(request, Page(pairs, found.next), lambda pair: shapes.message(*pair))


class OneMessage(ApiView):
    """A message whole."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="messages_get",
        summary="A message, its history, attempts, and what came before and after it",
        parameters=[ENVIRONMENT],
        responses=shapes.OneMessageShape,
    )
    def get(self, request: Request, message_id: str) -> Response:
        row = selectors.of_id(self.subject, message_id, request.query_params.get("environment", ""))
        if row is None:
            remedy = "GET /api/v1/messages?q= finds by any part; a message is kept as long as the ledger is."
            raise ProblemError(
                Problem(404, "Not found", f"There is no message {message_id} that you may see.", remedy)
            )
        history = selectors.history(row)
        return Response(
            shapes.message(row, selectors.shown_states([row])[0])
            | {
                "history": [shapes.event(each) for each in history],
                "attempts": [shapes.attempt(each) for each in attempts(history)],
                "led_to": shapes.ids(selectors.way_to(self.subject, row)),
                "caused": shapes.ids(selectors.caused_by(self.subject, row)),
                "may_have_missed": [shapes.gap(each) for each in missed(row)],
            }
        )


def missed(row: MessageRow) -> list[Gap]:
    """When nobody heard Celery's stream while this message lived, if that is how it is known."""
    if not row.sources & int(Sources.CELERY):
        return []
    since = values.moment(row.first_seen) or clock.now()
    over = row.state not in values.UNDER_WAY
    until = values.moment(row.last_seen) if over else None
    return selectors.gaps(since, until, row.broker)
