"""What a request asks and what it sends: typed, and an unknown parameter is an error that names the allowed ones."""

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
    values = checked(filters(data=given))
    return {name: value for name, value in values.items() if name in given}


def body(
    request: Request, shape: type[serializers.Serializer[Any]], *, partial: bool = False
) -> dict[str, Any]:
    """What was sent, as values. Raises with the field and what is wrong with it. `partial`: what is not sent stays."""
    return checked(shape(data=request.data, partial=partial))


def checked(sent: serializers.Serializer[Any]) -> dict[str, Any]:
    """The same, where the shape was made by hand."""
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)
