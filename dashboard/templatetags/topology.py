"""How the topology's figures read, in the table and in the panel."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import clock
from dashboard.pages import frame, status_words
from dashboard.pages.topology import Head
from dashboard.templatetags import console

register = template.Library()
PAGE_PARAMETERS = ("environment", "range", "view", "queues", "idle", "group", "q", "at")
SECOND, MINUTE = 1_000, 60_000


@register.filter
def split(text: str) -> list[str]:
    """`{% for name in "one two"|split %}`."""
    return text.split()


@register.filter
def per_minute(rate: float) -> str:
    """`120/min`, `0.4/min`; a dash where nothing goes."""
    if not rate:
        return "—"
    return f"{rate:,.0f}/min" if rate >= 10 else f"{rate:.2g}/min"


@register.filter
def share(ratio: float) -> str:
    """`2.5%`; a dash where nothing fails."""
    if not ratio:
        return "—"
    return "<0.1%" if ratio < 0.001 else f"{100 * ratio:.3g}%"


@register.filter
def lasting_ms(value: float | str | None) -> str:
    """`31 ms`, `1.2 s`, `4.5 min`; a dash where nothing was measured: what a template finds nowhere is text."""
    if value is None or isinstance(value, str):
        return "—"
    if value < SECOND:
        return f"{value:.3g} ms"
    return f"{value / SECOND:.3g} s" if value < MINUTE else f"{value / MINUTE:.3g} min"


@register.simple_tag
def moment(rfc3339: str | None) -> SafeString | str:
    """A moment that came as text, relative."""
    return console.ago(clock.parse(rfc3339)) if rfc3339 else "—"


@register.simple_tag
def shape(state: str) -> str:
    """The shape of a state, for a mark without its word beside it."""
    return status_words.shape(state)


@register.simple_tag(takes_context=True)
def kept(context: Context, name: str) -> SafeString | str:
    """A parameter of this address that a form sends along."""
    value = context["request"].GET.get(name)
    return format_html('<input type="hidden" name="{}" value="{}">', name, value) if value else ""


@register.simple_tag(takes_context=True)
def head(context: Context, column: Head, title: str, parameter: str = "sort") -> SafeString:
    """A column's head that sorts by a click."""
    url = frame.changed(context["request"], **{parameter: column.click})
    number = "" if column.name in {"name", "kind", "state", "from", "to"} else ' class="number"'
    return format_html(
        '<th scope="col"{} aria-sort="{}"><a href="{}">{}</a></th>',
        SafeString(number),
        column.now,
        url,
        title,
    )


@register.simple_tag(takes_context=True)
def node_href(context: Context, node: str) -> str:
    """This page with another node's panel, from the page as well as from the panel alone."""
    return _page(context["request"], node=node)


@register.simple_tag(takes_context=True)
def panel_closed(context: Context) -> str:
    """This page without the panel."""
    return _page(context["request"])


def _page(request: HttpRequest, **more: str) -> str:
    kept_ones = {name: request.GET[name] for name in PAGE_PARAMETERS if request.GET.get(name)}
    query = urlencode({**kept_ones, **more})
    return f"{reverse('topology')}?{query}" if query else reverse("topology")
