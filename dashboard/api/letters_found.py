"""Around a search for letters, for programs: counts by field, and what it finds as a file."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters import facets, selectors
from agents.deadletters.facets import COLUMNS
from agents.deadletters.selectors import Filter
from core.access.api import Permission
from core.access.services import Actor
from dashboard import exporting
from dashboard.api import letters_shapes as shapes
from dashboard.api import query
from dashboard.api.problems import invalid
from dashboard.api.trace_shapes import SuggestionsShape
from dashboard.api.views import ApiView, source_of
from dashboard.exporting import Wanted


class LetterFacetFilters(shapes.LetterFilters):
    """Which letters, and what of them is counted."""

    fields_ = serializers.CharField(
        required=False, help_text=f"Some of {', '.join(COLUMNS)}, with commas between; all if left out."
    )

    def get_fields(self) -> dict[str, Any]:
        """The parameter is called `fields`, which a serializer keeps for itself."""
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


class LetterFacetsShape(serializers.Serializer[Any]):
    """`counts` has for each field its values with how many letters bear them, the most frequent first."""

    counts = serializers.DictField(child=serializers.ListField())
    more = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many further values there are."
    )
    looked_at = serializers.IntegerField(help_text="The newest of those that match were counted.")
    exact = serializers.BooleanField(help_text="True: these are all that match.")
    too_dear = serializers.BooleanField(
        help_text="True: nothing was counted, it would take too long; narrow it."
    )


class LetterFacets(ApiView):
    """Counts by field."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="letters_facets",
        summary="How many matching letters bear which value",
        parameters=[LetterFacetFilters],
        responses=LetterFacetsShape,
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, LetterFacetFilters)
        names = _names(given.pop("fields", ""))
        wanted = Filter(**given | {"group": str(given.get("group", ""))})
        rows = selectors.seen_by(self.subject).filter(selectors.letters(wanted, self.subject))
        found = facets.of(rows, names)
        return Response(
            {
                "counts": {
                    each.name: [{"value": value, "letters": number} for value, number in each.values]
                    for each in found.facets
                },
                "more": {each.name: each.more for each in found.facets},
                "looked_at": found.looked_at,
                "exact": found.whole,
                "too_dear": found.dear,
            }
        )


class LetterSuggestionFilters(query.Filters):
    q = serializers.CharField(required=False, trim_whitespace=False, max_length=2_000)
    at = serializers.IntegerField(
        required=False, min_value=0, help_text="Where the cursor is; the end if left out."
    )
    of = serializers.ChoiceField(["letters"], required=False)


class LetterSuggestions(ApiView):
    """What may come next in a search."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="letters_suggestions",
        summary="What may stand at the cursor of a search for letters that is being typed",
        parameters=[LetterSuggestionFilters],
        responses=SuggestionsShape,
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, LetterSuggestionFilters)
        text = given.get("q", "")
        found = facets.suggest(selectors.seen_by(self.subject), text[: given.get("at", len(text))])
        return Response({"results": [{"text": each, "about": about} for each, about in found]})


class LetterExportGiven(shapes.LetterFilters):
    """Which letters, and how."""

    format = serializers.ChoiceField(["jsonl", "csv"], required=False, help_text="jsonl if left out.")
    contents = serializers.BooleanField(
        required=False,
        help_text="Only in JSON lines: headers, properties, attempts and body, masked where you may not read them.",
    )


class LetterExport(ApiView):
    """What a search finds, as a file."""

    permission = Permission.EXPORT

    @extend_schema(
        operation_id="letters_export",
        summary="Letters as a file, the newest million that match; noted in the audit trail",
        request=LetterExportGiven,
        responses={
            (200, "application/x-ndjson"): OpenApiTypes.BINARY,
            (200, "text/csv"): OpenApiTypes.BINARY,
        },
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        body = LetterExportGiven(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        kind, contents = given.pop("format", "jsonl"), given.pop("contents", False)
        if contents and kind == "csv":
            raise invalid("contents", "A table has no place for bodies.", "Take JSON lines.")
        noted = {name: str(value) for name, value in given.items()}
        wanted = Filter(**given | {"group": str(given.get("group", ""))})
        actor = Actor(self.subject, source_of(request))
        export = exporting.Export(Wanted(wanted, kind, contents), actor, noted)
        return exporting.answer(request._request, export, kind)


def _names(raw: str) -> list[str]:
    asked = [name.strip() for name in raw.split(",") if name.strip()] or list(COLUMNS)
    for name in asked:
        if name not in COLUMNS:
            raise invalid("fields", f"{name} is not counted. Allowed are {', '.join(COLUMNS)}.")
    return asked
