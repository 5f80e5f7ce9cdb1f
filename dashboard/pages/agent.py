"""One agent: its versions and who gets the traffic, its instances and how they lived, its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agents.prices import selectors as prices
from agents.registry import offers, selectors
from agents.registry.models import Agent, Instance, InstanceChange
from agents.registry.offers import Offer
from agents.registry.selectors import Known
from agents.registry.services import registration
from agents.registry.services.registration import UnknownVersionError, VersionChange
from agents.registry.values import State
from agents.registry.versions import newest_first
from agents.topology import spending
from core import clock
from core.access.api import Decision, Permission, may
from core.access.audit import selectors as trail
from core.access.audit.models import Entry
from core.access.routes import requires
from core.access.services import of_request
from dashboard.api.agents_shapes import MOST_WEIGHT
from dashboard.charts import lifeline
from dashboard.charts.lifeline import Bar, Turn
from dashboard.pages import frame
from dashboard.pages.agents import node_of, traffic
from dashboard.pages.costs import Spent, spent

MOST_INSTANCES = 100
MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Life:
    """An instance, its state now, and its line."""

    row: Instance
    state: State
    bars: list[Bar]

    @property
    def clock_off_ms(self) -> float | None:
        """By how much its clock and ours are apart."""
        return None if self.row.skew_ms is None else abs(float(self.row.skew_ms))


@requires(Permission.SEE)
@require_safe
def agent(request: HttpRequest, id: UUID) -> HttpResponse:
    known = _found(request, id)
    row, subject = known.agent, frame.subject_of(request)
    since = clock.now() - frame.range_of(request).length
    changes = selectors.changes_of(row, since, limit=1_000)
    node = node_of(known)
    context = {
        "known": known,
        "agent": row,
        "offers": _versions(known),
        "lives": _lives(row, changes, since),
        "most_instances": MOST_INSTANCES,
        "since": since,
        "range": frame.range_of(request),
        "changes": changes[:MOST_CHANGES],
        "entries": _entries(request, row),
        "traffic": traffic(subject, row.environment).get(node),
        "spent": _spent(request, row),
        "topology_url": _url("topology", row, node=node.id),
        "traces_url": _url("traces", row, q=f"agent:{row.agent_id}"),
        "manage": may(subject, Permission.MANAGE_AGENTS, registration.place_of(row)),
        "leave": _may_leave(request, row),
        "card": getattr(row, "card", None),
        "most_weight": MOST_WEIGHT,
        "api_path": reverse("api-agent", args=(row.pk,)),
    }
    return render(request, "pages/agent.html", context)


@requires(Permission.MANAGE_AGENTS)
@require_POST
def change_version(request: HttpRequest, id: UUID) -> HttpResponse:
    """Drain a version, open it again, or give it another weight."""
    known = _found(request, id)
    version = request.POST.get("version", "")
    fields = _fields(request)
    if fields is None:
        messages.error(request, f"A weight is a whole number from 0 to {MOST_WEIGHT:,}.")
        return _back(request, id)
    try:
        registration.change(known.agent, {}, [VersionChange(version, fields)], of_request(request))
        messages.success(request, f"{_said(fields)} {known.agent.agent_id} {version}.")
    except UnknownVersionError as problem:
        messages.error(request, str(problem))
    return _back(request, id)


@requires(Permission.REGISTER, Permission.MANAGE_AGENTS)
@require_POST
def deregister(request: HttpRequest, id: UUID) -> HttpResponse:
    known = _found(request, id)
    registration.deregister(known.agent, of_request(request))
    messages.success(request, f"Forgot {known.agent.agent_id}. It appears again when it is heard again.")
    return redirect(frame.carry(request, reverse("agents")))


def _found(request: HttpRequest, id: UUID) -> Known:
    row = selectors.seen_by(frame.subject_of(request)).filter(pk=id).first()
    if row is None:
        raise Http404
    return selectors.known([row])[0]


def _url(route: str, row: Agent, **query: str) -> str:
    """Another page, about this agent."""
    return f"{reverse(route)}?{urlencode({'environment': row.environment, **query})}"


def _back(request: HttpRequest, id: UUID) -> HttpResponse:
    return redirect(frame.carry(request, reverse("agents-agent", args=(id,))))


def _fields(request: HttpRequest) -> dict[str, Any] | None:
    if "drained" in request.POST:
        return {"drained": request.POST["drained"] == "yes"}
    weight = request.POST.get("weight", "")
    if weight.isascii() and weight.isdigit() and int(weight) <= MOST_WEIGHT:
        return {"weight": int(weight)}
    return None


def _said(fields: dict[str, Any]) -> str:
    if "weight" in fields:
        return f"Weight {fields['weight']} for"
    return "Drained" if fields["drained"] else "Opened"


def _may_leave(request: HttpRequest, row: Agent) -> Decision:
    """Whoever may register it may also take it away."""
    subject, place = frame.subject_of(request), registration.place_of(row)
    return may(subject, Permission.REGISTER, place) or may(subject, Permission.MANAGE_AGENTS, place)


def _spent(request: HttpRequest, row: Agent) -> list[Spent]:
    """What it used of models in the page's range."""
    until = int(clock.unix() // 60) + 1
    since = until - int(frame.range_of(request).length.total_seconds() // 60)
    uses = spending.of_edges(row.environment, since, until, agent=row.agent_id)
    return spent(uses, prices.book())


def _versions(known: Known) -> list[tuple[Offer, float]]:
    """Each version with its share of the traffic, the newest first."""
    shares = offers.shares(known.offers)
    order = newest_first([each.version for each in known.offers])
    ordered = sorted(known.offers, key=lambda each: order.index(each.version))
    return [(each, shares.get(each.version_id, 0.0)) for each in ordered]


def _lives(row: Agent, changes: Sequence[InstanceChange], since: datetime) -> list[Life]:
    turns: dict[int, list[Turn]] = {}
    for each in changes:
        turn = Turn(each.at, State(each.before), State(each.after), each.reason)
        turns.setdefault(each.instance_id, []).append(turn)
    now = clock.now()
    return [
        Life(each, state, lifeline.bars(turns.get(each.pk, []), state, since, now))
        for each, state in selectors.instances_of(row, MOST_INSTANCES)
    ]


def _entries(request: HttpRequest, row: Agent) -> list[Entry] | None:
    """What people and programs did to it; None for who may not read the trail."""
    subject = frame.subject_of(request)
    if not may(subject, Permission.READ_AUDIT, registration.place_of(row)):
        return None
    found = Entry.objects.filter(trail.visible(subject), on_id=str(row.pk))
    return list(found.order_by("-sequence")[:MOST_CHANGES])
