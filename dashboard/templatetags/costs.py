"""How costs read on a page: `{% load costs %}`."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.prices import values
from agents.prices.values import Cost
from core.access.api import Permission, may
from dashboard.pages import costs, frame
from dashboard.pages.costs import Spent

register = template.Library()


@register.filter
def amount(cost: Cost | None) -> str:
    """`1.24 EUR`; with `+ ?` where a part has no price, a dash where nothing was used."""
    if cost is None:
        return "—"
    parts = [*values.said(cost), *(["?"] if cost.unpriced else [])]
    return " + ".join(parts) or "—"


@register.filter
def whole(rows: list[Spent]) -> Cost:
    """The cost of several models together."""
    return costs.whole(rows)


@register.simple_tag(takes_context=True)
def no_price(context: Context, model: str, provider: str = "") -> SafeString | str:
    """That nobody entered a price for a model, and where to."""
    if not may(frame.subject_of(context["request"]), Permission.MANAGE_PRICES):
        return format_html('<span class="muted">no price for {}</span>', model)
    query = urlencode({"model": model, "provider": provider})
    url = f"{reverse('admin:prices_modelprice_add')}?{query}"
    return format_html('no price for {}: <a href="{}">add one</a>', model, url)
