"""The console's components as template tags: `{% load console %}`. /styleguide shows every one of them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import clock
from core.access.api import Decision
from dashboard import tallies, words
from dashboard.pages import frame as frames
from dashboard.pages import refusals, status_words

register = template.Library()


@register.simple_tag(takes_context=True)
def frame(context: Context) -> frames.Frame:
    """The frame of this page: `{% frame as frame %}`."""
    return frames.of(context["request"])


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """The chosen theme, for `<html data-theme>`; it needs no database."""
    request = context.get("request")
    return frames.theme_of(request) if isinstance(request, HttpRequest) else ""


# ---- Addresses -------------------------------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def href(context: Context, route: str, *args: Any, **kwargs: Any) -> str:
    """The address of a route, with this page's environment and range: `{% href "audit-entry" entry.id %}`."""
    return frames.carry(context["request"], reverse(route, args=args, kwargs=kwargs))


@register.simple_tag(takes_context=True)
def carry(context: Context, url: str) -> str:
    """Any address, with this page's environment and range."""
    return frames.carry(context["request"], url)


@register.simple_tag(takes_context=True)
def change(context: Context, **changes: Any) -> str:
    """This page's address with some parameters changed: `{% change sort="-at" %}`; an empty one is taken away."""
    return frames.changed(context["request"], **changes)


@register.simple_tag(takes_context=True)
def environment_tag(context: Context, environment: str) -> SafeString | str:
    """Where a row is, on a page of several environments: `{% environment_tag row.environment %}`."""
    if not frames.is_elsewhere(context["request"], environment):
        return ""
    return format_html('<span class="tag">{}</span>', environment)


# ---- Small values ----------------------------------------------------------------------------------------------
@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing from static/icons.svg. It says nothing to a reader: the word stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name
    )


@register.simple_tag
def ago(moment: datetime | None, never: str = "never") -> SafeString | str:
    """A moment, relative; exact on hover and in the copy."""
    if moment is None:
        return never
    return _time(moment, words.relative(moment, clock.now()), "ago")


@register.simple_tag
def lasting(moment: datetime | None, never: str = "—") -> SafeString | str:
    """How long something has been so: `4 min`."""
    if moment is None:
        return never
    return _time(moment, words.span((clock.now() - moment).total_seconds()), "span")


def _time(moment: datetime, text: str, kind: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}" data-time="{}">{}</time>',
        clock.rfc3339(moment),
        words.exact(moment),
        kind,
        text,
    )


@register.simple_tag
def id(value: object) -> SafeString:
    """An id, shortened in the middle, copied by a click."""
    whole = str(value)
    return format_html(
        '<button type="button" class="id" data-copy="{0}" title="{0}">'
        '{1}<span class="unseen">, copy</span>{2}</button>',
        whole,
        words.short_id(whole),
        icon("copy"),
    )


@register.filter
def short(value: str) -> str:
    """An id, shortened in the middle, where it is a link and not to be copied."""
    return words.short_id(value)


@register.filter
def spoken(sentence: str) -> SafeString:
    """A sentence with the names in it that stand between backticks set as names."""
    parts = sentence.split("`")
    return format_html_join(
        "", "{}", ((_name(part) if place % 2 else part,) for place, part in enumerate(parts))
    )


def _name(text: str) -> SafeString:
    return format_html('<span class="mono">{}</span>', text)


@register.filter
def worded(name: str) -> str:
    """`no_consumer` → `no consumer`."""
    return name.replace("_", " ")


@register.filter
def thousands(value: int) -> str:
    """`4812` → `4,812`."""
    return words.number(value)


@register.filter
def took(nanos: float) -> str:
    """`1320000000` → `1.32 s`."""
    return words.took(nanos)


@register.filter
def seconds(value: float) -> str:
    """`95` → `1 min`."""
    return words.span(value)


@register.filter
def spaced(state: str) -> str:
    """`done_with_unknown` → `done with unknown`."""
    return state.replace("_", " ")


@register.filter
def as_json(value: Any) -> str:
    """Indented, for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.simple_tag
def status(state: str, word: str = "", style: str = "") -> SafeString:
    """Shape, colour and word of a state: `{% status process.state %}`, or of one of ok warn bad unknown paused."""
    return format_html(
        '<span class="status {}" data-status="{}"><i class="shape" aria-hidden="true"></i>{}</span>',
        style,
        status_words.shape(state),
        word or state.replace("_", " "),
    )


@register.simple_tag
def shapes() -> str:
    """Which state has which shape, for rows that change while the page is open: `data-shapes="{% shapes %}"`."""
    return json.dumps(status_words.table())


# ---- Actions ---------------------------------------------------------------------------------------------------
@register.inclusion_tag("components/action.html", takes_context=True)
def action(
    context: Context,
    title: str,
    url: str,
    *,
    decision: Decision | None = None,
    method: str = "post",
    tone: str = "",
    icon: str = "",
    key: str = "",
    why_not: str = "",
) -> dict[str, Any]:
    """A button that does something. Denied, it stays there, disabled, and says which right is missing and who gives it.

    `why_not` disables it for a reason that is no right ("the plan has expired").
    """
    reason = why_not
    if decision is not None and not decision:
        reason = refusals.sentence(decision)
    return {
        "title": title,
        "url": url,
        "method": method,
        "tone": tone,
        "icon": icon,
        "key": key,
        "reason": reason,
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_tag
def who_gives() -> str:
    """Who can give a right that is missing, as a sentence."""
    return refusals.who_gives()


@register.inclusion_tag("components/program.html", takes_context=True)
def program(
    context: Context, method: str, path: str, body: dict[str, Any] | None = None, command: str = ""
) -> dict[str, Any]:
    """The same as a `curl` line, and as a `postroom` line where there is one."""
    request: HttpRequest = context["request"]
    return {"curl": curl_line(request.build_absolute_uri(path), method, body), "command": command}


def curl_line(url: str, method: str = "GET", body: dict[str, Any] | None = None) -> str:
    """A request as a line for a shell; the token stays in the environment."""
    parts = [
        "curl",
        *(() if method == "GET" else ("-X", method)),
        '-H "Authorization: Bearer $POSTROOM_TOKEN"',
    ]
    if body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body))}"]
    return " ".join([*parts, shlex.quote(url)])


@register.inclusion_tag("components/code.html")
def code(text: str, what: str = "Copy") -> dict[str, str]:
    """Lines to take away, with a copy button."""
    return {"text": text, "what": what}


@register.inclusion_tag("components/tally.html", takes_context=True)
def tally(
    context: Context, parts: dict[str, int], leads: str = "", quiet: Collection[str] = ()
) -> dict[str, Any]:
    """Parts of a whole that add up, as a bar and in words. The order of the dictionary is the order of the bar.

    `leads`: each figure is a link to this page with that parameter set to its name, and to the element of that id.
    Those in `quiet` are not said while they are none.
    """
    request: HttpRequest | None = context.get("request")
    links = (
        {name: f"{frames.changed(request, **{leads: name})}#{leads}" for name in parts}
        if leads and request
        else {}
    )
    shown = [
        (part, links.get(part.name, ""), not part.count and part.name in quiet) for part in tallies.bar(parts)
    ]
    return {"whole": sum(parts.values()), "shown": shown}
