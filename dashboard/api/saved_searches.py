"""Searches that are kept, for programs: one's own, and those that others share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.searches import services as searches
from agents.searches.models import SavedSearch
from agents.searches.services import FIELDS, SearchError
from agents.searches.values import SearchOf
from core import clock
from core.access.api import Permission, Subject
from core.access.services import Actor
from dashboard.api import paging, query
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView, source_of

OF = [str(each) for each in SearchOf]
# The page that shows it.
PATHS = {each: f"/{each}" for each in SearchOf} | {SearchOf.GROUPS: "/letters"}
VIEWS = {SearchOf.LETTERS: "view=letters&", SearchOf.GROUPS: "view=groups&"}


class SearchFilters(query.Filters):
    """Which searches."""

    of = serializers.ChoiceField(OF, required=False)
    shared = serializers.BooleanField(required=False, allow_null=True, default=None)


class SavedSearchGiven(serializers.Serializer[Any]):
    """A search to keep. To share it takes the right to triage somewhere."""

    name = serializers.CharField(max_length=searches.LONGEST_NAME)
    of = serializers.ChoiceField(OF, required=False, help_text="letters if left out.")
    query = serializers.CharField(
        max_length=searches.LONGEST_QUERY, help_text="As the page's address has it: `state=held&q=card`."
    )
    shared = serializers.BooleanField(required=False, help_text="In everybody's list; false if left out.")


class SavedSearchShape(SavedSearchGiven):
    """A search that is kept. It is no right: everybody finds by it what they may see."""

    id = serializers.UUIDField()
    owner = serializers.CharField(help_text="The name of who keeps it.")
    own = serializers.BooleanField(help_text="Is that you?")
    path = serializers.CharField(help_text="The page that shows what it finds.")
    made_at = query.UtcTime()


def path_of(of: SearchOf, asked: str) -> str:
    return f"{PATHS[of]}?{VIEWS.get(of, '')}{asked}"


class SearchView(ApiView):
    """A view of saved searches."""

    permission = Permission.SEE

    def found(self, id: UUID) -> SavedSearch:
        search = searches.seen_by(self.subject).filter(pk=id).first()
        if search is None:
            detail = f"There is no saved search {id} that you may see."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/saved-searches lists them."))
        return search

    def saved(self, request: Request, search: SavedSearch, given: dict[str, Any]) -> dict[str, Any]:
        for name, value in given.items():
            setattr(search, name, value)
        try:
            return _shape(searches.save(search, Actor(self.subject, source_of(request))), self.subject)
        except SearchError as problem:
            raise invalid(problem.field, str(problem)) from None


class SavedSearches(SearchView):
    """The list, and one more."""

    @extend_schema(
        operation_id="saved_searches_list",
        summary="Your saved searches, and those that are shared",
        parameters=[SearchFilters, *PAGING],
        responses=listed(SavedSearchShape),
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, SearchFilters)
        rows = searches.seen_by(self.subject).filter(**given)
        page = paging.page(request, rows, ("name", "id"))
        return paging.response(request, page, lambda row: _shape(row, self.subject))

    @extend_schema(
        operation_id="saved_searches_create",
        summary="Keep a search",
        request=SavedSearchGiven,
        responses={201: SavedSearchShape},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = SavedSearchGiven(data=request.data)
        given.is_valid(raise_exception=True)
        answer = self.saved(request, SavedSearch(of=SearchOf.LETTERS), dict(given.validated_data))
        return Response(answer, status=201, headers={"Location": f"{request.path}/{answer['id']}"})


class OneSavedSearch(SearchView):
    """One search."""

    @extend_schema(operation_id="saved_searches_get", summary="A saved search", responses=SavedSearchShape)
    def get(self, request: Request, id: UUID) -> Response:
        return Response(_shape(self.found(id), self.subject))

    @extend_schema(
        operation_id="saved_searches_change",
        summary="Change a saved search, share it or keep it to yourself",
        request=SavedSearchGiven(partial=True),
        responses=SavedSearchShape,
    )
    def patch(self, request: Request, id: UUID) -> Response:
        search, given = self.found(id), SavedSearchGiven(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return Response(self.saved(request, search, dict(given.validated_data)))

    @extend_schema(
        operation_id="saved_searches_delete",
        summary="Keep a search no longer",
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        searches.remove(self.found(id), Actor(self.subject, source_of(request)))
        return HttpResponse(status=204)


def _shape(search: SavedSearch, subject: Subject) -> dict[str, Any]:
    return {
        "id": str(search.pk),
        **{name: getattr(search, name) for name in FIELDS},
        "owner": search.owner_name,
        "own": searches.is_own(search, subject),
        "path": path_of(SearchOf(search.of), search.query),
        "made_at": clock.rfc3339(search.made_at),
    }
