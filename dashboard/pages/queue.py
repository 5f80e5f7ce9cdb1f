"""One queue: its charts, who consumes it, what waits, and a look into it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agents.ledger import selectors as ledger
from agents.ledger.models import MessageRow
from agents.ledger.values import Kind, moment
from agents.queues import selectors
from agents.queues.control import selectors as control
from agents.queues.control.services import cancelling
from agents.queues.health import Standing, standing
from agents.queues.services import looking
from agents.queues.values import QueueState, Times, Waiting, minute_of
from core import clock
from core.access.api import Permission, Subject, may
from core.access.routes import requires
from core.access.services import of_request
from core.brokers.api import BrokerError, find
from dashboard import packages, queue_words
from dashboard.api.problems import ProblemError
from dashboard.api.queues import consumers_of, level_of, seen
from dashboard.charts import queues as charts
from dashboard.charts.queues import Day
from dashboard.pages import frame
from dashboard.pages.queues import is_away

# What the page lists of those that wait, the longest first.
MOST_WAITING = 25
MOST_PEEKED = 10
# How far back the waits by hour go, whatever the page's range.
HOURS_OF = timedelta(days=7)
WAITS = (Kind.SENT, Kind.WAITING, Kind.RETRYING)
OLD = frozenset({Standing.UNREACHABLE, Standing.STALE, Standing.GONE})


@requires(Permission.SEE)
@require_safe
def queue(request: HttpRequest, broker: str, name: str) -> HttpResponse:
    state = found(request, broker, name)
    return render(request, "pages/queue.html", _context(request, state))


@requires(Permission.SEE)
@require_safe
def figures(request: HttpRequest, broker: str, name: str) -> JsonResponse:
    """The charts' figures alone, for a page that is open."""
    state = found(request, broker, name)
    return JsonResponse(_figures(request, state))


@requires(Permission.MOVE)
@require_POST
def peek(request: HttpRequest, broker: str, name: str) -> HttpResponse:
    """A look that counts as a delivery: only by whoever asked for it, and shown once."""
    state = found(request, broker, name)
    try:
        seen_now = looking.look(state, MOST_PEEKED, of_request(request), knowing_that_it_counts=True)
    except BrokerError as problem:
        messages.error(request, str(problem))
        return redirect(address(request, state))
    context = _context(request, state) | {"peeked": _peeked(request, state, seen_now), "looked": True}
    return render(request, "pages/queue.html", context)


def found(request: HttpRequest, broker: str, name: str) -> QueueState:
    try:
        return seen(frame.subject_of(request), broker, name)
    except ProblemError:
        raise Http404 from None


def _context(request: HttpRequest, state: QueueState) -> dict[str, Any]:
    now, subject = clock.now(), frame.subject_of(request)
    about = selectors.broker(state.broker)
    assert about, "its queue is only seen while it is configured"
    url = find(state.broker)
    in_place = bool(url and url.kind == "redis")
    return {
        "queue": state,
        "broker": about,
        "away": [about] if is_away(about) else [],
        "shown": queue_words.shown(state, now),
        "old": standing(state, now) in OLD,
        "memory": queue_words.size(state.memory),
        "redeliveries": queue_words.figure(state.redeliveries),
        "times": _times(request, state, now),
        "range": frame.range_of(request),
        "plotly": packages.url(packages.PLOTLY),
        "figures": _figures(request, state),
        "hours": _hours(state, now),
        "consumers": consumers_of(state, about),
        "workers": selectors.workers_of(state.key),
        "now": now,
        "pause": control.open_of(state.key),
        "control": may(subject, Permission.CONTROL_AGENTS, selectors.place_of(state)),
        "can_end": cancelling.CAN_END,
        "waiting": _waiting(subject, state),
        "most_waiting": MOST_WAITING,
        "messages_url": _messages_url(state),
        "in_place": in_place,
        "may_count": may(subject, Permission.MOVE, selectors.place_of(state)),
        "api_path": reverse("api-queue", args=(state.broker, state.name)),
        **_look(request, state, in_place=in_place),
    }


def _look(request: HttpRequest, state: QueueState, *, in_place: bool) -> dict[str, Any]:
    """A look that leaves no trace has an address of its own."""
    if not in_place or not request.GET.get("peek"):
        return {}
    try:
        seen_now = looking.look(state, MOST_PEEKED, of_request(request))
    except BrokerError as problem:
        return {"look_problem": str(problem)}
    return {"peeked": _peeked(request, state, seen_now), "looked": True}


def _peeked(request: HttpRequest, state: QueueState, peeked: list[Waiting]) -> list[dict[str, Any]]:
    """Bodies are payloads: only for who may read them here."""
    readable = may(frame.subject_of(request), Permission.READ_PAYLOADS, selectors.place_of(state))
    return [
        {
            "message": each,
            "body": looking.text_of(each.body) if readable else None,
            "headers": dict(each.headers) if readable else None,
        }
        for each in peeked
    ]


def _figures(request: HttpRequest, state: QueueState) -> dict[str, Any]:
    until = clock.now()
    length = frame.range_of(request).length
    level = level_of(length)
    points = selectors.history([state.id], until - length, until, level)[state.id]
    first, last = (minute_of(each) for each in (until - length, until))
    return {
        "charts": charts.of_queue(points, first, last + 1, level),
        "sampled": bool(points),
    }


def _hours(state: QueueState, now: datetime) -> list[Day]:
    return charts.by_hour(selectors.history([state.id], now - HOURS_OF, now, 60)[state.id])


def _times(request: HttpRequest, state: QueueState, now: datetime) -> Times | None:
    return selectors.times([state.id], now - frame.range_of(request).length, now).get(state.id)


def _waiting(subject: Subject, state: QueueState) -> list[dict[str, Any]]:
    rows = ledger.seen_by(subject).filter(broker=state.broker, queue=state.name, state__in=WAITS)
    longest: list[MessageRow] = list(rows.order_by("since")[:MOST_WAITING])
    states = ledger.shown_states(longest)
    return [
        {"row": row, "state": shown, "since": moment(row.since)}
        for row, shown in zip(longest, states, strict=True)
    ]


def _messages_url(state: QueueState) -> str:
    return f"{reverse('messages')}?{urlencode({'queue': state.name, 'broker': state.broker})}"


def address(request: HttpRequest, state: QueueState) -> str:
    return frame.carry(request, reverse("queues-queue", args=(state.broker, state.name)))
