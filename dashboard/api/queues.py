"""Queues for programs: all of them, one with its history and who consumes, and the workers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.queues import selectors
from agents.queues.health import standing
from agents.queues.opening import opened
from agents.queues.values import BrokerState, Consumer, QueueState
from core import clock
from core.access.api import Permission, Subject
from core.brokers.api import BrokerError, find
from dashboard.api import paging, query
from dashboard.api import queue_shapes as shapes
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView

USUALLY = timedelta(hours=1)
# By how many minutes a point stands for, the shortest stretch first.
LEVELS = ((timedelta(hours=6), 1), (timedelta(days=2), 10), (timedelta(days=90), 60))
REMEDY = "GET /api/v1/queues lists what every broker has; a queue appears with its first sample."


class HistoryFilters(query.Filters):
    since = query.UtcTime(required=False, help_text="Without it: an hour before `until`.")
    until = query.UtcTime(required=False, help_text="Without it: now.")


class WorkerFilters(query.Filters):
    broker = serializers.CharField(required=False)
    queue = serializers.CharField(required=False)


class Queues(ApiView):
    """The list."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="queues_list",
        summary="Every queue with its last figures, by broker and name",
        parameters=[shapes.QueueFilters, *PAGING],
        responses=listed(shapes.QueueShape),
    )
    def get(self, request: Request) -> Response:
        given, now = query.read(request, shapes.QueueFilters), clock.now()
        found = find_queues(self.subject, given, now)
        page = paging.page_of(request, found, lambda each: (each.broker, each.name))
        return paging.response(request, page, lambda each: shapes.queue(each, now))


class OneQueue(ApiView):
    """A queue whole."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="queues_get",
        summary="A queue: its figures, how it went, how long messages waited and took, and who consumes",
        parameters=[HistoryFilters],
        responses=shapes.OneQueueShape,
    )
    def get(self, request: Request, broker: str, name: str) -> Response:
        state, now = seen(self.subject, broker, name), clock.now()
        since, until = _stretch(query.read(request, HistoryFilters), now)
        about = selectors.broker(broker)
        assert about, "its queue is only seen while it is configured"
        return Response(
            shapes.queue(state, now)
            | shapes.times(selectors.times([state.id], since, until).get(state.id))
            | {
                "broker_state": shapes.broker(about),
                "consumed_by": [shapes.consumer(each) for each in consumers_of(state, about)],
                "workers": [shapes.worker(each, now) for each in selectors.workers_of(state.key)],
                "history": [
                    shapes.point(each)
                    for each in selectors.history([state.id], since, until, level_of(until - since))[state.id]
                ],
            }
        )


class Brokers(ApiView):
    """The configured brokers, and whether they answer."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="brokers_list", summary="Every broker, and since when it answers or does not",
        responses=listed(shapes.BrokerShape),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        page = paging.page_of(request, selectors.brokers(), lambda each: (each.name,))
        return paging.response(request, page, shapes.broker)


class Workers(ApiView):
    """Celery workers."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="workers_list",
        summary="Celery's workers: which queues each consumes, and what it runs now",
        parameters=[WorkerFilters, *PAGING],
        responses=listed(shapes.WorkerShape),
    )
    def get(self, request: Request) -> Response:
        given, now = query.read(request, WorkerFilters), clock.now()
        found = [
            each
            for each in selectors.workers_seen_by(self.subject)
            if given.get("broker", each.broker) == each.broker
            and (not given.get("queue") or given["queue"] in each.queues)
        ]
        page = paging.page_of(request, found, lambda each: (each.broker, each.name))
        return paging.response(request, page, lambda each: shapes.worker(each, now))


def find_queues(subject: Subject, given: dict[str, Any], now: datetime) -> list[QueueState]:
    """Those that fit, by broker and name."""
    rows = selectors.seen_by(subject)
    for name in ("environment", "broker"):
        if given.get(name):
            rows = rows.filter(**{name: given[name]})
    if given.get("q"):
        rows = rows.filter(name__icontains=given["q"])
    found = selectors.states(rows)
    wanted = given.get("state")
    return [each for each in found if not wanted or standing(each, now) == wanted]


def seen(subject: Subject, broker: str, name: str) -> QueueState:
    """The queue, if the subject may see it."""
    rows = selectors.seen_by(subject).filter(broker=broker, name=name)
    if (found := next(iter(selectors.states(rows)), None)) is None:
        raise ProblemError(
            Problem(404, "Not found", f"There is no queue {name} on {broker} that you may see.", REMEDY)
        )
    return found


def consumers_of(state: QueueState, broker: BrokerState) -> list[Consumer]:
    """As the broker tells them now; none where it cannot. Workers are told apart."""
    url = find(state.broker)
    if url is None or not broker.reachable or url.kind == "redis":
        return []
    with opened(url) as there:
        try:
            return list(there.consumers(state.name))
        except BrokerError:
            return []


def level_of(length: timedelta) -> int:
    return next((level for longest, level in LEVELS if length <= longest), 60)


def _stretch(given: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    until = given.get("until", now)
    since = given.get("since", until - USUALLY)
    if since >= until:
        raise invalid("since", "It must be before `until`.")
    return since, until
