"""Query parameters: typed, and an unknown one is an error that names the allowed ones."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from core import clock
from dashboard.api.problems import invalid

# Every list takes these beside its own filters.
PAGING = frozenset({"limit", "cursor"})


class UtcTime(serializers.DateTimeField):
    """RFC 3339: with any offset on the way in, in UTC on the way out."""

    def to_internal_value(self, value: Any) -> Any:
        try:
            return clock.parse(str(value))
        except ValueError as problem:
            raise serializers.ValidationError(f"{problem}.") from None

    def to_representation(self, value: Any) -> str:
        return clock.rfc3339(value)


class Filters(serializers.Serializer[Any]):
    """Base of a list's filters: each field is one query parameter. An empty one asks for nothing."""


def read(request: Request, filters: type[Filters]) -> dict[str, Any]:
    """The filters as values; what was not given is not in it."""
    given = {
        name: value for name, value in request.query_params.items() if value != "" and name not in PAGING
    }
    allowed = sorted({*filters().fields, *PAGING})
    for name in given:
        if name not in allowed:
            raise invalid(name, f"There is no such parameter. Allowed are {', '.join(allowed)}.")
    checked = filters(data=given)
    checked.is_valid(raise_exception=True)
    return {name: value for name, value in checked.validated_data.items() if name in given}
