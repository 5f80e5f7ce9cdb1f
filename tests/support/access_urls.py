"""A URL map with a route for each permission, which asks `may` about the environment in the path."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from core.access.api import Permission, Place, require
from core.access.routes import requires


def route(permission: Permission) -> URLPattern:
    @requires(permission)
    def view(request: HttpRequest, environment: str) -> HttpResponse:
        subject: Any = request.subject  # type: ignore[attr-defined]
        require(subject, permission, Place(environment))
        return HttpResponse("done")

    return path(f"api/v1/test/{permission}/<str:environment>", view, name=f"test-{permission}")


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody may read this")


urlpatterns = [
    *(route(permission) for permission in Permission),
    path("api/v1/test/bare", bare, name="test-bare"),
    path("sign-in", bare, name="sign-in"),
]
