"""One message: its whole way, its attempts, and what everybody told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.deadletters import selectors as deadletters
from agents.deadletters.models import Letter
from agents.deadletters.showing import Veil
from agents.ledger import selectors, values
from agents.ledger.attempts import Attempt, attempts
from agents.ledger.models import MessageRow
from agents.ledger.values import UNDER_WAY, Event, Settled, Told, moment
from core.access.api import Permission
from core.access.routes import requires
from dashboard.api import message_shapes
from dashboard.api.messages import missed
from dashboard.charts import message_way
from dashboard.pages import beside, frame
from dashboard.pages.messages import Line

MOST_BESIDE = 20


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt as the page shows it."""

    attempt: Attempt

    @property
    def started(self) -> datetime | None:
        return moment(self.attempt.started or self.attempt.received)

    @property
    def ended(self) -> datetime | None:
        return moment(self.attempt.ended)

    @property
    def error(self) -> str:
        error = self.attempt.error
        return ": ".join(part for part in (error.type, error.message) if part) if error else ""


@dataclass(frozen=True, slots=True)
class Step:
    """An event as the page shows it, by both clocks."""

    told: Told

    @property
    def at(self) -> datetime | None:
        return moment(self.told.at)

    @property
    def late_ms(self) -> float:
        """How long after it happened it arrived; below 0, its teller's clock runs ahead of ours."""
        return (self.told.arrived - self.told.at) / 1000

    @property
    def apart_ms(self) -> float:
        return abs(self.late_ms)

    @property
    def is_ahead(self) -> bool:
        return -self.late_ms * 1000 >= message_shapes.NOTABLE_US


@requires(Permission.SEE)
@require_safe
def message(request: HttpRequest, message_id: str) -> HttpResponse:
    subject = frame.subject_of(request)
    row = selectors.of_id(subject, message_id, request.GET.get("of") or frame.environment_of(request))
    if row is None:
        raise Http404
    history = selectors.history(row)
    tried = attempts(history)
    state = selectors.shown_states([row])[0]
    letters = _letters(request, row)
    settled = selectors.settlement(row, history)
    context: dict[str, Any] = {
        "line": Line(row, state),
        "row": row,
        "state": state,
        "ends": state not in {*UNDER_WAY, values.LOST},
        "sentence": sentence(Line(row, state), settled),
        "doubt": doubt(settled),
        "history": [Step(each) for each in history],
        "attempts": [Try(each) for each in tried],
        "bars": message_way.bars(history, tried, _until(row)),
        "sources": message_shapes.sources(row.sources),
        "letters": letters,
        "observed_only": message_shapes.OBSERVED_ONLY
        if selectors.is_observed_only(row) and not letters
        else "",
        "first_seen": moment(row.first_seen),
        "deadline": moment(row.deadline),
        "due": moment(row.due),
        "gaps": missed(row),
        "before": lines(selectors.way_to(subject, row)),
        "after": lines(selectors.caused_by(subject, row)),
        "beside": lines(selectors.beside(subject, row)),
        "api_path": f"{reverse('api-message', args=(row.message_id,))}?{urlencode({'environment': row.environment})}",
        "logs_url": f"{reverse('logs')}?{urlencode({'message': row.message_id})}",
        **beside.of_message(subject, row.message_id, row.environment),
    }
    return render(request, "pages/message.html", context)


def _letters(request: HttpRequest, row: MessageRow) -> list[Letter]:
    """What custody holds of it, where the reader may see that."""
    seen = deadletters.seen_by(frame.subject_of(request))
    held = seen.filter(message_id=row.message_id, environment=row.environment)
    found = list(held.order_by(*deadletters.NEWEST)[:MOST_BESIDE])
    Veil().over(found)
    return found


def doubt(settled: Event | None) -> str:
    """What is not known of its last redrive, and what ends that. Pure."""
    if settled is None or settled.settled != Settled.UNKNOWN:
        return ""
    return (
        f"The outcome of redrive {settled.redrive} is unknown: {settled.why}. "
        "Late evidence settles it, or somebody by hand on the operation's page."
    )


def sentence(line: Line, settled: Event | None = None) -> str:
    """Where it is, in one sentence without the time. Pure."""
    if settled is not None and settled.settled != Settled.UNKNOWN:
        return f"It {_concluded(settled)}"
    row, state = line.row, line.state
    where = f" in {row.queue}" if row.queue else ""
    who = row.instance or row.agent or "an agent that nobody named"
    said = {
        "sent": f"was handed to the broker{where} and not yet seen by anybody",
        "waiting": f"waits for {row.waits_for} at {who}" if row.waits_for else f"waits{where}",
        "received": f"was received by {who}",
        "running": f"runs in {who}",
        "retrying": f"failed in attempt {row.attempt} and comes back{where}",
        "succeeded": f"was handled by {who}",
        "dead": f"was given up on by {who} in attempt {row.attempt}",
        "expired": "expired before it was handled",
        "refused": f"was refused by {who}",
        "purged": "was thrown away",
        "lost": "is lost: there should be news of it, and there is none",
    }
    return f"It {said[state]}"


def _concluded(settled: Event) -> str:
    if settled.settled == Settled.HAND:
        said = "processed" if settled.kind is values.Kind.SUCCEEDED else "failed"
        return f"was settled by hand as {said} by {settled.by}"
    if settled.settled == Settled.LEFT_QUEUE:
        return "left the queue and did not come back; nobody confirmed that it was handled"
    return f"died again after redrive {settled.redrive}: its letter is in custody"


def _until(row: MessageRow) -> int:
    return values.now() if row.state in UNDER_WAY else row.last_seen


def lines(rows: list[MessageRow]) -> list[Line]:
    return [Line(*each) for each in zip(rows, selectors.shown_states(rows), strict=True)]
