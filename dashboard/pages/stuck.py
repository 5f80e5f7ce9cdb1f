"""Stuck: what does not move, and why? Rows are causes; one opened shows what proves it and what cannot be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.queues.stuck import selectors
from agents.queues.stuck.models import OPEN
from agents.queues.stuck.selectors import Cause
from agents.queues.stuck.values import Kind, Verdict
from agents.registry import selectors as registry
from core import clock
from core.access.api import Permission, Subject
from core.access.routes import requires
from dashboard import words
from dashboard.pages import frame

OVER_WITHIN = timedelta(hours=1)
NARROWING = ("verdict", "agent", "queue", "broker")


@dataclass(frozen=True, slots=True)
class Line:
    """A cause as the list shows it. `follows`: the agent that it waits for, where it follows from another cause."""

    cause: Cause
    follows: str = ""

    @property
    def clocks(self) -> list[tuple[str, str]]:
        """How old the freshest evidence of each kind is."""
        return clocks(self.cause.evidence)


@dataclass(frozen=True, slots=True)
class Button:
    """What helps, as a link to where it is done."""

    title: str
    url: str


@requires(Permission.SEE)
@require_safe
def stuck(request: HttpRequest) -> HttpResponse:
    subject, environment = frame.subject_of(request), frame.environment_of(request)
    every = selectors.causes(subject, environment)
    asked = {name: request.GET.get(name, "").strip()[:300] for name in NARROWING}
    shown = [each for each in every if _fits(each, asked)]
    agents = {each.row.pk: each.row.agent for each in every}
    context = {
        "look": selectors.look(),
        "lines": _in_order([Line(each, agents.get(each.root, "") if each.root else "") for each in shown]),
        "any": bool(every),
        "held_up": sum(each.row.messages for each in every),
        "first": next((each for each in every if not each.row.behind), None),
        "verdicts": Counter(str(each.verdict) for each in every).most_common(),
        "asked": asked,
        "narrowed": [(name, value) for name, value in asked.items() if value and name != "verdict"],
        "over": selectors.lately_over(subject, clock.now() - OVER_WITHIN, environment),
        "curl_path": f"{reverse('api-stuck')}?{urlencode({'environment': environment} if environment else {})}",
    }
    return render(request, "pages/stuck.html", context)


@requires(Permission.SEE)
@require_safe
def cause(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    found = selectors.cause(subject, id)
    if found is None:
        raise Http404
    others = selectors.causes(subject, found.row.environment)
    query = urlencode({"queue": found.row.queue, "environment": found.row.environment})
    context = {
        "cause": found,
        "row": found.row,
        "is_open": found.row.state == OPEN,
        "root": next((each for each in others if each.row.pk == found.root), None),
        "behind": [each for each in others if each.root == found.row.pk],
        "evidence": [
            (each, words.span(each["age_s"]) if each["age_s"] is not None else "never")
            for each in found.evidence
        ],
        "changes": selectors.changes(found.row),
        "buttons": buttons(subject, found),
        "curl_path": f"{reverse('api-stuck')}?{query}",
    }
    return render(request, "pages/stuck_cause.html", context)


def clocks(evidence: list[dict[str, Any]]) -> list[tuple[str, str]]:
    ages: dict[str, float] = {}
    for each in evidence:
        if each["age_s"] is not None:
            ages[each["kind"]] = min(each["age_s"], ages.get(each["kind"], each["age_s"]))
    return [(str(kind), words.span(ages[kind])) for kind in Kind if kind in ages]


def buttons(subject: Subject, found: Cause) -> list[Button]:
    """The most helpful first."""
    row = found.row
    agent = registry.seen_by(subject).filter(environment=row.environment, agent_id=row.agent).first()
    of_agent = [Button(f"Agent {row.agent}", reverse("agents-agent", args=(agent.pk,)))] if agent else []
    of_queue = (
        [Button(f"Queue {row.queue}", f"/queues/{row.broker}/{row.queue}")]
        if row.queue and row.broker
        else []
    )
    query = urlencode({"queue": row.queue, "environment": row.environment})
    of_messages = [Button("Its messages", f"{reverse('messages')}?{query}")]
    if found.verdict in {
        Verdict.AGENT_DOWN,
        Verdict.RUNNING_LONG,
        Verdict.UNACKNOWLEDGED,
        Verdict.BLOCKED_DOWNSTREAM,
    }:
        return [*of_agent, *of_queue, *of_messages]
    return [*of_queue, *of_agent, *of_messages]


def _fits(each: Cause, asked: dict[str, str]) -> bool:
    if asked["verdict"] and each.verdict != asked["verdict"]:
        return False
    return all(not asked[name] or getattr(each.row, name) == asked[name] for name in NARROWING[1:])


def _in_order(lines: list[Line]) -> list[Line]:
    """What follows from another cause stands under it."""
    roots = [line for line in lines if not line.cause.root]
    found: list[Line] = []
    for line in roots:
        found += [line, *(each for each in lines if each.cause.root == line.cause.row.pk)]
    return found + [line for line in lines if line not in found]
