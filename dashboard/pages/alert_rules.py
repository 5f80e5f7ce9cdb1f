"""Rules and silences: what is looked for, and when nobody wants to hear of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework import serializers

from agents.alerts.models import Rule, Silence
from agents.alerts.models.rules import DAYS
from agents.alerts.services import rules, silences
from agents.alerts.services.managing import may_manage
from agents.alerts.services.rules import RuleError
from agents.alerts.services.silences import SilenceError
from agents.alerts.signals import ABOUT
from agents.alerts.values import BY_SEVERITY, OPEN, Signal
from agents.alerts.wording import figure, lasting
from core import clock
from core.access.api import Decision, Permission, may
from core.access.routes import requires
from core.access.services import of_request
from core.transitions import StaleStateError
from dashboard.api.alert_rules import RuleMade, SilenceGiven, silence_of
from dashboard.api.problems import faults
from dashboard.pages import frame

# How long a silence may be asked for on the page, in seconds.
LENGTHS = (1_800, 3_600, 4 * 3_600, 24 * 3_600, 7 * 24 * 3_600)
RECENT = 50
SWITCHES = ("enabled",)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as the list shows it."""

    rule: Rule
    open: int

    @property
    def signal(self) -> str:
        return ABOUT[Signal(self.rule.signal)].title

    @property
    def threshold(self) -> str:
        return figure(Signal(self.rule.signal), self.rule.threshold)

    @property
    def hold(self) -> str:
        return lasting(self.rule.hold_s) if self.rule.hold_s else "at once"

    @property
    def scope(self) -> str:
        return str(self.rule.scope)

    @property
    def hours(self) -> str:
        rule = self.rule
        days = rule.days.replace(",", " ") if rule.days else ""
        times = f"{rule.begins:%H:%M}–{rule.ends:%H:%M} {rule.zone}" if rule.begins != rule.ends else ""
        return " ".join(filter(None, (days, times))) or "always"


@requires(Permission.SEE)
@require_safe
def all_rules(request: HttpRequest) -> HttpResponse:
    subject = frame.subject_of(request)
    counted = Rule.objects.annotate(number=Count("alerts", filter=Q(alerts__state__in=OPEN)))
    context = {
        "rows": [RuleRow(rule, rule.number) for rule in counted.order_by("-enabled", "title")],
        "manage": may(subject, Permission.MANAGE_ALERTS),
    }
    return render(request, "pages/alert_rules.html", context)


@requires(Permission.SEE, POST=Permission.MANAGE_ALERTS)
@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """One rule, or a new one: everybody may read what it looks for."""
    found = Rule(name="", threshold=1, severity="warning", signal=Signal.QUEUE_DEPTH)
    if name != "new":
        found = _rule(name)
    if request.method == "POST":
        return _save(request, found)
    return _form(request, found, {})


@requires(Permission.MANAGE_ALERTS)
@require_POST
def delete_rule(request: HttpRequest, name: str) -> HttpResponse:
    try:
        rules.delete(_rule(name), of_request(request))
        messages.success(request, f"Deleted the rule {name}. Its alerts are over.")
    except RuleError as problem:
        messages.error(request, str(problem))
    return redirect(frame.carry(request, reverse("alerts-rules")))


@requires(Permission.SEE)
@require_safe
def all_silences(request: HttpRequest) -> HttpResponse:
    subject, now = frame.subject_of(request), clock.now()
    found = Silence.objects.select_related("rule").order_by("-ends_at")[:RECENT]
    rows = [(each, each.state_at(now), may_manage(subject, each.scope)) for each in found]
    given = ("environment_pattern", "queue", "agent", "rule")
    context = {
        "current": [row for row in rows if row[1] != "over"],
        "over": [row for row in rows if row[1] == "over"],
        "manage": may(subject, Permission.MANAGE_ALERTS),
        "lengths": [(each, lasting(each)) for each in LENGTHS],
        "rules": list(Rule.objects.order_by("title")),
        "asked": {name: request.GET.get(name, "") for name in given},
    }
    return render(request, "pages/alert_silences.html", context)


@requires(Permission.MANAGE_ALERTS)
@require_POST
def make_silence(request: HttpRequest) -> HttpResponse:
    said = {name: value for name, value in request.POST.items() if value}
    if environment := said.pop("environment_pattern", ""):
        said["environment"] = environment
    body = SilenceGiven(data=said)
    back = frame.carry(request, reverse("alerts-silences"))
    if not body.is_valid():
        messages.error(request, _first(body))
        return redirect(back)
    try:
        made = silences.make(
            silence_of(body.validated_data), of_request(request, request.POST.get("reason", ""))
        )
        messages.success(request, f"Silenced {made.scope}: alerts that match are shown and not sent out.")
    except SilenceError as problem:
        messages.error(request, str(problem))
    return redirect(back)


@requires(Permission.MANAGE_ALERTS)
@require_POST
def end_silence(request: HttpRequest, id: UUID) -> HttpResponse:
    found = Silence.objects.filter(pk=id).first()
    if found is None:
        raise Http404
    try:
        silences.end(found, of_request(request))
        messages.success(request, "The silence is over. What still fires is sent out now.")
    except StaleStateError as problem:
        messages.info(request, str(problem))
    return redirect(frame.carry(request, reverse("alerts-silences")))


def _rule(name: str) -> Rule:
    found = Rule.objects.filter(name=name).first()
    if found is None:
        raise Http404
    return found


def _save(request: HttpRequest, found: Rule) -> HttpResponse:
    said: dict[str, Any] = {
        name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"
    }
    said["days"] = ",".join(request.POST.getlist("days"))
    said["name"] = found.name or said.get("name", "")
    said |= {name: name in request.POST for name in SWITCHES}
    if environment := said.pop("environment_pattern", ""):
        said["environment"] = environment
    body = RuleMade(data=said)
    if not body.is_valid():
        return _form(request, found, said, {each.field: each.detail for each in faults(body.errors)})
    is_new = found.pk is None
    if is_new and Rule.objects.filter(name=said["name"]).exists():
        return _form(request, found, said, {"name": f"There is a rule {said['name']} already."})
    for name, value in body.validated_data.items():
        setattr(found, name, value)
    try:
        rules.save(found, of_request(request))
    except RuleError as problem:
        return _form(request, found, said, {problem.field: str(problem)})
    messages.success(request, f"{'Made' if is_new else 'Changed'} the rule {found.name}.")
    return redirect(frame.carry(request, reverse("alerts-rules")))


def _form(
    request: HttpRequest, found: Rule, said: dict[str, Any], problems: dict[str, str] | None = None
) -> HttpResponse:
    subject = frame.subject_of(request)
    manage = may_manage(subject, found.scope) if found.pk else may(subject, Permission.MANAGE_ALERTS)
    context = {
        "rule": found,
        "is_new": found.pk is None,
        "said": {**rules.shown(found), **said},
        "problems": problems or {},
        "manage": manage,
        "locked": _locked(manage),
        "signals": [(str(signal), about) for signal, about in ABOUT.items()],
        "about": ABOUT[Signal(found.signal)],
        "severities": [str(each) for each in reversed(BY_SEVERITY)],
        "days": DAYS,
        "chosen": (said.get("days", found.days) or "").split(","),
    }
    return render(request, "pages/alert_rule.html", context, status=400 if problems else 200)


def _locked(manage: Decision) -> bool:
    return not manage


def _first(body: serializers.Serializer[Any]) -> str:
    found = next(iter(faults(body.errors)))
    return f"{found.field}: {found.detail}"
