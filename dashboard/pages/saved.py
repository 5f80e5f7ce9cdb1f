"""Saved searches on a list: pick one, keep this one, remove one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.searches import services as searches
from agents.searches.models import SavedSearch
from agents.searches.services import PASSING, SearchError
from agents.searches.values import SearchOf
from core.access.api import Permission
from core.access.routes import requires
from core.access.services import of_request
from dashboard.api.saved_searches import path_of
from dashboard.pages import frame

# More are found by the API; nobody picks from a longer list.
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Saved:
    """A search in the list."""

    search: SavedSearch
    own: bool
    removable: bool

    @property
    def url(self) -> str:
        return path_of(SearchOf(self.search.of), self.search.query)

    @property
    def remove_url(self) -> str:
        return reverse("searches-remove", args=(self.search.pk,))


def offered(request: HttpRequest, of: SearchOf) -> dict[str, Any]:
    """What `parts/saved_searches.html` shows."""
    subject = frame.subject_of(request)
    rows = searches.seen_by(subject).filter(of=of)[:MOST_SHOWN]
    return {
        "saved": [
            Saved(row, searches.is_own(row, subject), searches.may_change(row, subject)) for row in rows
        ],
        "saved_of": of,
        "saved_query": request.GET.urlencode(),
        "may_share": searches.may_share(of, subject),
    }


@requires(Permission.SEE)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """The list in the form's `query`; the page shows it again."""
    data = request.POST
    search = SavedSearch(
        name=data.get("name", ""),
        of=data.get("of", SearchOf.LETTERS),
        query=data.get("query", ""),
        shared=bool(data.get("shared")),
    )
    try:
        searches.save(search, of_request(request))
    except SearchError as refused:
        messages.error(request, str(refused))
        return redirect(_back(data.get("of", ""), data.get("query", "")))
    messages.success(request, f"{search.name} is kept.")
    return redirect(path_of(SearchOf(search.of), search.query))


@requires(Permission.SEE)
@require_POST
def remove(request: HttpRequest, id: UUID) -> HttpResponse:
    search = searches.seen_by(frame.subject_of(request)).filter(pk=id).first()
    if search is None:
        raise Http404
    searches.remove(search, of_request(request))
    messages.success(request, f"{search.name} is not kept any more.")
    return redirect(_back(request.POST.get("of", ""), request.POST.get("query", "")))


def _back(of: str, query: str) -> str:
    """The list that the form stood on. Only its parameters come from the form, never a place."""
    try:
        pairs = parse_qsl(query, max_num_fields=50)
    except ValueError:
        pairs = []
    kind = SearchOf(of) if of in {*SearchOf} else SearchOf.LETTERS
    return path_of(kind, urlencode([(name, value) for name, value in pairs if name not in PASSING]))
