"""Consumption for programs: pausing and resuming a queue's consumers, and ending one task."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.queues import selectors
from agents.queues.control import selectors as control
from agents.queues.control.models import Pause
from agents.queues.control.services import cancelling, pausing
from agents.queues.control.services.cancelling import CannotEndError, Ending
from agents.queues.control.services.pausing import AlreadyPausedError, NotPausedError
from agents.queues.control.values import PauseState
from agents.queues.services import looking
from agents.queues.values import QueueState, Running, Worker
from core import clock
from core.access.api import Permission, may
from core.access.services import Actor
from core.brokers.api import BrokerError
from core.transitions import StaleStateError
from dashboard.api import paging, query
from dashboard.api import queue_shapes as shapes
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError
from dashboard.api.queues import seen
from dashboard.api.schema_parts import IDEMPOTENCY_KEY, PAGING, listed
from dashboard.api.views import ApiView, source_of

PAUSE_STATES = [each.value for each in PauseState]
ENDINGS = [each.value for each in Ending]


class QueueNamed(serializers.Serializer[Any]):
    broker = serializers.CharField()
    queue = serializers.CharField()
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class CancelBody(QueueNamed):
    worker = serializers.CharField()
    task = serializers.CharField(help_text="The `id` of what it runs.")


class PeekBody(QueueNamed):
    limit = serializers.IntegerField(required=False, min_value=1, max_value=50, default=10)
    knowing_that_it_counts = serializers.BooleanField(
        required=False,
        default=False,
        help_text="On RabbitMQ a look counts as a delivery; a quorum queue with a delivery limit throws away what "
        "was looked at too often.",
    )


class PauseFilters(query.Filters):
    state = serializers.ChoiceField(PAUSE_STATES, required=False)
    broker = serializers.CharField(required=False)
    queue = serializers.CharField(required=False)


class PauseShape(serializers.Serializer[Any]):
    """Nobody takes from the queue while it is `paused`. `pausing`, `resuming`: asked for, not carried out yet."""

    id = serializers.UUIDField()
    broker = serializers.CharField()
    queue = serializers.CharField()
    environment = serializers.CharField()
    state = serializers.ChoiceField(PAUSE_STATES)
    since = query.UtcTime()
    by = serializers.CharField()
    reason = serializers.CharField()
    said = serializers.DictField(help_text="What each worker answered.")
    problem = serializers.CharField(help_text="Why it could not be carried out, or that nobody was there.")


class CancelShape(serializers.Serializer[Any]):
    """`no_answer`: whether it was ended is not known."""

    ending = serializers.ChoiceField(ENDINGS)
    sentence = serializers.CharField()


class Pauses(ApiView):
    """Pauses, open and over."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="consumption_list",
        summary="Pauses of consumption, the last first",
        parameters=[PauseFilters, *PAGING],
        responses=listed(PauseShape),
    )
    def get(self, request: Request) -> Response:
        rows = control.seen_by(self.subject).filter(**query.read(request, PauseFilters))
        return paging.response(request, paging.page(request, rows, ("-since", "-id")), pause)


class OnePause(ApiView):
    """A pause."""

    permission = Permission.SEE

    @extend_schema(operation_id="consumption_get", summary="A pause as it is now", responses=PauseShape)
    def get(self, request: Request, id: UUID) -> Response:
        found = control.one(self.subject, id)
        if found is None:
            remedy = "GET /api/v1/consumption lists them."
            raise ProblemError(Problem(404, "Not found", f"There is no pause {id} that you may see.", remedy))
        return Response(pause(found))


class PauseQueue(ApiView):
    """Nobody is to take from a queue."""

    permission = Permission.CONTROL_AGENTS

    @extend_schema(
        operation_id="consumption_pause",
        summary="Pause consumption of a queue; the watcher asks its workers within seconds",
        parameters=[IDEMPOTENCY_KEY],
        request=QueueNamed,
        responses={202: PauseShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        state, actor, _ = asked(self, request, QueueNamed)
        try:
            return Response(pause(pausing.pause(state, actor)), 202)
        except AlreadyPausedError as problem:
            raise refused(problem) from None


class ResumeQueue(ApiView):
    """They may take again."""

    permission = Permission.CONTROL_AGENTS

    @extend_schema(
        operation_id="consumption_resume",
        summary="Resume consumption of a queue",
        parameters=[IDEMPOTENCY_KEY],
        request=QueueNamed,
        responses={202: PauseShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        state, actor, _ = asked(self, request, QueueNamed)
        try:
            return Response(pause(pausing.resume(state, actor)), 202)
        except (NotPausedError, StaleStateError) as problem:
            raise refused(problem) from None


class CancelTask(ApiView):
    """One task is ended."""

    permission = Permission.CONTROL_AGENTS

    @extend_schema(
        operation_id="workers_cancel",
        summary="Ask a worker to end one task; asking again changes nothing",
        request=CancelBody,
        responses=CancelShape,
    )
    def post(self, request: Request) -> Response:
        state, actor, body = asked(self, request, CancelBody)
        worker, task = running_on(state, body["worker"], body["task"])
        try:
            found = cancelling.cancel(state, worker, task, actor)
        except CannotEndError as problem:
            raise refused(problem) from None
        except BrokerError as problem:
            raise away(problem) from None
        return Response({"ending": found.ending.value, "sentence": found.sentence})


class PeekQueue(ApiView):
    """A look into a queue."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="queues_peek",
        summary="The messages of a queue that are taken next",
        request=PeekBody,
        responses=listed(shapes.WaitingShape),
    )
    def post(self, request: Request) -> Response:
        state, actor, body = asked(self, request, PeekBody)
        try:
            found = looking.look(
                state, body["limit"], actor, knowing_that_it_counts=body["knowing_that_it_counts"]
            )
        except looking.PeekCountsError as problem:
            raise refused(problem) from None
        except BrokerError as problem:
            raise away(problem) from None
        masked = not may(self.subject, Permission.READ_PAYLOADS, selectors.place_of(state))
        return Response({"results": [shapes.waiting(each, masked=masked) for each in found], "next": None})


def asked(
    view: ApiView, request: Request, shape: type[QueueNamed]
) -> tuple[QueueState, Actor, dict[str, Any]]:
    """Of which queue, by whom, and what."""
    given = query.body(request, shape)
    state = seen(view.subject, given["broker"], given["queue"])
    return state, Actor(view.subject, source_of(request), given["reason"]), given


def running_on(state: QueueState, name: str, task: str) -> tuple[Worker, Running]:
    """What a worker ran when it answered last."""
    for worker in selectors.workers(state.broker):
        for each in worker.running:
            if (worker.name, each.id, each.queue) == (name, task, state.name):
                return worker, each
    detail = f"When it answered last, {name} ran no task {task} of {state.name}."
    raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/workers says what each runs."))


def pause(found: Pause) -> dict[str, Any]:
    names = ("broker", "queue", "environment", "state", "by", "reason", "said", "problem")
    return {
        "id": str(found.pk),
        **{name: getattr(found, name) for name in names},
        "since": clock.rfc3339(found.since),
    }


def refused(problem: Exception) -> ProblemError:
    return ProblemError(Problem(409, "Not possible now", str(problem) or str(problem.__doc__)))


def away(problem: BrokerError) -> ProblemError:
    return ProblemError(Problem(503, "The broker is away", f"{problem}.", "Ask again later."))
