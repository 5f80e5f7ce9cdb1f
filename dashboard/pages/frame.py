"""What stands around every page: rail, environment, time range, theme. All of it comes from the address and cookies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from urllib.parse import urlencode

from django.http import HttpRequest

from core.access.api import ANONYMOUS, Subject
from dashboard.pages import environments, navigation

THEME_COOKIE = "postroom_theme"
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of time that ends now."""

    value: str
    title: str
    length: timedelta


RANGES: tuple[Range, ...] = (
    Range("15m", "last 15 min", timedelta(minutes=15)),
    Range("1h", "last 1 h", timedelta(hours=1)),
    Range("6h", "last 6 h", timedelta(hours=6)),
    Range("24h", "last 24 h", timedelta(hours=24)),
    Range("7d", "last 7 d", timedelta(days=7)),
)
DEFAULT_RANGE = RANGES[1]
# What goes with the reader from page to page.
KEPT = ("environment", "range")


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything that base.html shows outside the page itself."""

    subject: Subject
    theme: str
    environment: str
    environments: list[str]
    range: Range
    entries: list[navigation.Entry]
    ranges: tuple[Range, ...] = RANGES

    @property
    def main_entries(self) -> list[navigation.Entry]:
        return [entry for entry in self.entries if not entry.page.apart]

    @property
    def apart_entries(self) -> list[navigation.Entry]:
        return [entry for entry in self.entries if entry.page.apart]


def of(request: HttpRequest) -> Frame:
    """The frame of the page that is being drawn."""
    subject = subject_of(request)
    route = request.resolver_match.view_name if request.resolver_match else ""
    return Frame(
        subject=subject,
        theme=theme_of(request),
        environment=environment_of(request),
        environments=environments.known(subject),
        range=range_of(request),
        entries=navigation.entries(subject, route),
    )


def subject_of(request: HttpRequest) -> Subject:
    """Who asks; nobody when the request failed before access looked at it."""
    return cast("Subject", getattr(request, "subject", ANONYMOUS))


def theme_of(request: HttpRequest) -> str:
    """The theme that was chosen, or nothing: then the system's own applies."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def environment_of(request: HttpRequest) -> str:
    """The environment that the page is narrowed to; empty means all."""
    return request.GET.get("environment", "")


def is_elsewhere(request: HttpRequest, environment: str) -> bool:
    """Does it need saying that something is there? Not on a page of one environment, nor where there is only one."""
    if not environment or environment_of(request):
        return False
    here = vars(request)
    # Asked once for all rows of a page.
    if "environments_known" not in here:
        here["environments_known"] = environments.known(subject_of(request))
    return bool(here["environments_known"] != [environment])


def range_of(request: HttpRequest) -> Range:
    """The time range that the page is narrowed to."""
    asked = request.GET.get("range", "")
    return next((item for item in RANGES if item.value == asked), DEFAULT_RANGE)


def carry(request: HttpRequest, url: str) -> str:
    """The same address with the environment and range of this page."""
    kept = {name: request.GET[name] for name in KEPT if request.GET.get(name)}
    if not kept:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(kept)}"


def changed(request: HttpRequest, **changes: object) -> str:
    """This page's address with some parameters changed; an empty value takes one away, a cursor never survives."""
    query = request.GET.copy()
    query.pop("cursor", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"{request.path}?{query.urlencode()}" if query else request.path
