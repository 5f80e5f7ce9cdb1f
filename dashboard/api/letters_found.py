"""Around a search for letters, for programs: counts by field."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters import facets, selectors
from agents.deadletters.facets import COLUMNS
from agents.deadletters.selectors import Filter
from core.access.api import Permission
from dashboard.api import letters_shapes as shapes
from dashboard.api import query
from dashboard.api.problems import invalid
from dashboard.api.views import ApiView


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


def _names(raw: str) -> list[str]:
    asked = [name.strip() for name in raw.split(",") if name.strip()] or list(COLUMNS)
    for name in asked:
        if name not in COLUMNS:
            raise invalid("fields", f"{name} is not counted. Allowed are {', '.join(COLUMNS)}.")
    return asked
