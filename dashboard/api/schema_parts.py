"""What the OpenAPI schema says of every path: how to prove who you are, and what a refusal looks like."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from dashboard.api.idempotency import HEADER
from dashboard.api.problems import CONTENT_TYPE

IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Up to 255 visible characters. Sent again within 24 h with the same body, the request is not done "
    "again: the first answer comes back.",
)

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `errors` names each field that is wrong, `remedy` says what to do next.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "remedy": {"type": "string"},
        "permission": {"type": "string", "description": "The right that is missing, with a 403."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


class SubjectScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer token or JWT; the browser's session as well."""

    target_class = "dashboard.api.door.SubjectAuthentication"
    name = ["bearer", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        from django.conf import settings

        return [
            {"type": "http", "scheme": "bearer", "description": "A token of Postroom or a JWT."},
            {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        return [{"bearer": []}, {"session": []}]


def listed(item: type[serializers.Serializer[Any]]) -> Any:
    """The answer of a list of these."""
    name = item.__name__.removesuffix("Serializer").removesuffix("Shape")
    cursor = serializers.CharField(
        allow_null=True, help_text="The cursor of the next page; null on the last."
    )
    return inline_serializer(f"{name}Page", {"results": item(many=True), "next": cursor})


PAGING = (
    OpenApiParameter("limit", int, description="How many, 1 to 500.", default=50),
    OpenApiParameter("cursor", str, description="`next` of the answer before."),
)


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A refusal is possible everywhere, and looks the same everywhere."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    refusal = {
        "description": "Refused, with the reason",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for methods in result.get("paths", {}).values():
        for operation in methods.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", refusal)
    return result
