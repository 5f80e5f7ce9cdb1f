"""What a list of letters is made of, as a part of its page: each value is a click that narrows the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.deadletters import facets, searching, selectors
from agents.deadletters.selectors import Filter
from core.access.api import Permission
from core.access.routes import requires
from dashboard.pages import frame
from dashboard.pages.letters_asked import wanted_by

# These have a parameter of their own; the others become a term of the search.
PARAMETERS = ("state", "queue", "agent", "environment", "broker")


@dataclass(frozen=True, slots=True)
class Value:
    """How it reads, how many letters bear it, and the list that is narrowed to it."""

    name: str
    number: int
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """A facet that tells something."""

    title: str
    values: list[Value]
    more: int


@requires(Permission.SEE)
@require_safe
def part(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/letters_facets.html", of(request))


def of(request: HttpRequest) -> dict[str, Any]:
    """The context of `pages/letters_facets.html`."""
    subject, wanted = frame.subject_of(request), wanted_by(request)
    found = facets.of(selectors.seen_by(subject).filter(selectors.letters(wanted, subject)))
    return {
        "dear": found.dear,
        "whole": found.whole,
        "looked_at": found.looked_at,
        "columns": [_column(request, wanted, each) for each in found.facets if each.tells],
    }


def _column(request: HttpRequest, wanted: Filter, facet: facets.Facet) -> Column:
    values = [Value(name, number, _url(request, wanted, facet.name, name)) for name, number in facet.values]
    return Column(facet.title, values, facet.more)


def _url(request: HttpRequest, wanted: Filter, name: str, value: str) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    query["view"], query["facets"] = "letters", "1"
    if name in PARAMETERS:
        query[name] = value
    else:
        query["q"] = f"{wanted.q} {searching.term(name, value)}".strip()
    return f"{reverse('letters')}?{urlencode(list(query.items()))}"
