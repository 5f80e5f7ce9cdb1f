"""Channels: where notices go, what became of each, and whether a channel works."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents.alerts import selectors
from agents.alerts.models import Channel, Notice
from agents.alerts.services import channels
from agents.alerts.services.channels import ChannelError, Made
from agents.alerts.values import BY_SEVERITY, ChannelKind, NoticeState, Severity
from core import clock
from core.access.api import Permission
from core.access.routes import requires
from core.access.services import of_request
from core.transitions import StaleStateError
from dashboard.pages import frame

RECENT = 50
WAITING = (NoticeState.WAITING, NoticeState.CLAIMED)
WATCHED = timedelta(minutes=2)
TEXTS = ("name", "queue", "agent", "at_least")
SWITCHES = ("when_cleared", "enabled")


@requires(Permission.MANAGE_ALERTS)
@require_safe
def all_channels(request: HttpRequest) -> HttpResponse:
    found = selectors.channels(frame.subject_of(request))
    counted = Channel.objects.filter(pk__in=[each.pk for each in found]).annotate(
        waiting=Count("notices", filter=Q(notices__state__in=WAITING)),
        failed=Count("notices", filter=Q(notices__state=NoticeState.FAILED)),
        sent_at=Max("notices__settled_at", filter=Q(notices__state=NoticeState.SENT)),
    )
    return render(request, "pages/alert_channels.html", {"rows": counted.order_by("name")})


@requires(Permission.MANAGE_ALERTS)
@require_http_methods(["GET", "HEAD", "POST"])
def new_channel(request: HttpRequest) -> HttpResponse:
    found = Channel(kind=ChannelKind.WEBHOOK, at_least=Severity.WARNING)
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        found.kind = kind if kind in set(ChannelKind) else ChannelKind.WEBHOOK
        return _save(request, found)
    return _form(request, found)


@requires(Permission.MANAGE_ALERTS)
@require_http_methods(["GET", "HEAD", "POST"])
def channel(request: HttpRequest, id: UUID) -> HttpResponse:
    found = _channel(request, id)
    return _save(request, found) if request.method == "POST" else _form(request, found)


@requires(Permission.MANAGE_ALERTS)
@require_POST
def test(request: HttpRequest, id: UUID) -> HttpResponse:
    channels.test(_channel(request, id), of_request(request))
    messages.success(request, "A test is on its way; what becomes of it shows up below.")
    return _back(request, id)


@requires(Permission.MANAGE_ALERTS)
@require_POST
def delete(request: HttpRequest, id: UUID) -> HttpResponse:
    found = _channel(request, id)
    channels.delete(found, of_request(request))
    messages.success(request, f"Deleted the channel {found.name}.")
    return redirect(frame.carry(request, reverse("alerts-channels")))


@requires(Permission.MANAGE_ALERTS)
@require_POST
def send_again(request: HttpRequest, id: UUID) -> HttpResponse:
    notice = Notice.objects.filter(pk=id).select_related("channel").first()
    if notice is None:
        raise Http404
    found = _channel(request, notice.channel_id)
    try:
        channels.send_again(notice, of_request(request))
        messages.success(request, f"Sent again: {notice.title}.")
    except StaleStateError:
        messages.info(request, "It was not given up any more.")
    return _back(request, found.pk)


def _channel(request: HttpRequest, id: UUID) -> Channel:
    found = selectors.channel(frame.subject_of(request), id)
    if found is None:
        raise Http404
    return found


def _save(request: HttpRequest, found: Channel) -> HttpResponse:
    _take(request, found)
    try:
        made = _written(request, found)
    except ChannelError as problem:
        return _form(request, found, {problem.field: str(problem)})
    if made.key:
        # Shown in this answer and in no other: a redirect would have to keep it somewhere.
        return _form(request, Channel.objects.get(pk=found.pk), key=made.key)
    messages.success(request, f"Saved the channel {found.name}.")
    return _back(request, found.pk)


def _written(request: HttpRequest, found: Channel) -> Made:
    address, actor = request.POST.get("address", ""), of_request(request)
    if found._state.adding:
        return channels.create(found, address, actor)
    return channels.change(found, actor, address, new_secret="new_key" in request.POST)


def _take(request: HttpRequest, found: Channel) -> None:
    for name in TEXTS:
        setattr(found, name, request.POST.get(name, getattr(found, name)).strip())
    found.environment = request.POST.get("environment_pattern", found.environment).strip()
    if found.at_least not in set(Severity):
        found.at_least = Severity.WARNING
    for name in SWITCHES:
        setattr(found, name, name in request.POST)


def _form(
    request: HttpRequest, found: Channel, problems: dict[str, str] | None = None, key: str = ""
) -> HttpResponse:
    is_new = found._state.adding
    notices: list[Any] = []
    if not is_new:
        rows = Notice.objects.filter(channel=found).prefetch_related("attempts")
        notices = list(rows.order_by("-made_at", "-pk")[:RECENT])
    context = {
        "channel": found,
        "is_new": is_new,
        "key": key,
        "problems": problems or {},
        "address": request.POST.get("address", "") if problems else "",
        "kinds": [str(each) for each in ChannelKind],
        "severities": [str(each) for each in BY_SEVERITY],
        "notices": notices,
        # Somebody may be watching: but not for as long as a dead channel stays dead.
        "moving": any(each.state in WAITING and clock.now() - each.made_at < WATCHED for each in notices),
    }
    answer = render(request, "pages/alert_channel.html", context, status=400 if problems else 200)
    if key:
        answer["Cache-Control"] = "no-store"
    return answer


def _back(request: HttpRequest, id: UUID) -> HttpResponse:
    return redirect(frame.carry(request, reverse("alerts-channel", args=(id,))))
