"""Queues: what waits where, does it get less, and who takes it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.queues import selectors
from agents.queues.health import URGENCY, Standing, standing
from agents.queues.values import BrokerState, QueueState, minute_of
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from dashboard import queue_words
from dashboard.api.queues import find_queues, level_of
from dashboard.charts import queues as charts
from dashboard.pages import frame
from dashboard.pages.topology import heads

# A longer table is not read; the filters narrow it.
MOST_ROWS = 200
MOST_LINES = 100
SORTS = ("name", "state", "depth", "in_hand", "age", "consumers", "in", "out")
FILTERS = ("q", "state", "broker")


@dataclass(frozen=True, slots=True)
class Row:
    """A queue as the list shows it."""

    queue: QueueState
    shown: dict[str, Any]
    spark: str


@requires(Permission.SEE)
@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    everything = _everything(request, now)
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    found = _asked_for(request, everything, now)
    brokers = selectors.brokers()
    context = {
        "rows": _rows(request, found[:MOST_ROWS], now),
        "count": len(found),
        "most": MOST_ROWS,
        "any": bool(everything),
        "asked": asked,
        "filtered": any(asked.values()),
        "states": [(each, _word(each), number) for each, number in _by_state(everything, now).items()],
        "brokers": brokers,
        "away": [each for each in brokers if is_away(each)],
        "unasked": [each for each in brokers if each.sampled_at is None],
        "notes": [each for each in brokers if each.note],
        "heads": heads(SORTS, request.GET.get("sort", "")),
        "range": frame.range_of(request),
        "curl_path": _curl_path(request, asked),
    }
    return render(request, "pages/queues.html", context)


@requires(Permission.SEE)
@require_safe
def newest(request: HttpRequest) -> JsonResponse:
    """The small lines of the list alone, for a page that is open."""
    now = clock.now()
    shown = _asked_for(request, _everything(request, now), now)[:MOST_ROWS]
    return JsonResponse({str(id): line for id, line in sparks(request, shown).items()})


def _everything(request: HttpRequest, now: datetime) -> list[QueueState]:
    return find_queues(frame.subject_of(request), {"environment": frame.environment_of(request)}, now)


def _asked_for(request: HttpRequest, found: Sequence[QueueState], now: datetime) -> list[QueueState]:
    """Those that fit the filters, in the order asked for."""
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    fitting = [each for each in found if _fits(each, asked, now)]
    return sorted_by(fitting, request.GET.get("sort", ""), now)


def is_away(broker: BrokerState) -> bool:
    """It answered before."""
    return not broker.reachable and broker.sampled_at is not None


def sorted_by(found: Sequence[QueueState], sort: str, now: datetime) -> list[QueueState]:
    """By the column asked for; else what wants a person comes first, and of those the deepest."""
    keys: dict[str, Callable[[QueueState], Any]] = {
        "name": lambda each: each.name.casefold(),
        "state": lambda each: (URGENCY.index(standing(each, now)), -each.depth),
        "depth": lambda each: each.depth,
        "in_hand": lambda each: _known(each.unacknowledged),
        "age": lambda each: _known(each.oldest_age_s),
        "consumers": lambda each: _known(each.consumers),
        "in": lambda each: _known(each.in_rate),
        "out": lambda each: _known(each.out_rate),
    }
    by_name = sorted(found, key=lambda each: (each.name.casefold(), each.broker))
    key = keys.get(sort.removeprefix("-"), keys["state"])
    return sorted(by_name, key=key, reverse=sort.startswith("-"))


def sparks(request: HttpRequest, found: Sequence[QueueState]) -> dict[int, str]:
    """Each queue's depth over the page's range, as a line."""
    until = clock.now()
    length = frame.range_of(request).length
    since = until - length
    # A line of thirty points needs no more than the level that has about as many.
    level = max(level_of(length), 10) if length > timedelta(hours=3) else level_of(length)
    depths = selectors.depths([each.id for each in found], since, until, level)
    first, last = minute_of(since), minute_of(until) + 1
    return {each.id: charts.spark(depths.get(each.id, []), first, last) for each in found}


def _by_state(found: Sequence[QueueState], now: datetime) -> Counter[Standing]:
    return Counter(sorted((standing(each, now) for each in found), key=URGENCY.index))


def _word(state: Standing) -> str:
    return state.replace("_", " ")


def _rows(request: HttpRequest, found: Sequence[QueueState], now: datetime) -> list[Row]:
    """Of many queues, the open page asks for the lines itself: nobody waits for them."""
    lines = sparks(request, found) if len(found) <= MOST_LINES else {}
    return [Row(each, queue_words.shown(each, now), lines.get(each.id, "")) for each in found]


def _fits(queue: QueueState, asked: dict[str, str], now: datetime) -> bool:
    q = asked["q"].strip().casefold()
    return (
        (not q or q in queue.name.casefold())
        and (not asked["state"] or standing(queue, now) == asked["state"])
        and (not asked["broker"] or queue.broker == asked["broker"])
    )


def _known(value: float | None) -> float:
    return -1.0 if value is None else float(value)


def _curl_path(request: HttpRequest, asked: dict[str, str]) -> str:
    given = {"environment": frame.environment_of(request), **asked}
    given = {name: value for name, value in given.items() if value}
    return f"{reverse('api-queues')}{'?' if given else ''}{urlencode(given)}"
