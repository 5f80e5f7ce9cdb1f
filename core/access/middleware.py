"""Puts the subject on the request, and refuses every route that does not declare who may use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core.access import routes, subjects
from core.access.api import Kind, may


class AccessMiddleware:
    """Fail closed: a view with no declared permission, and no place on the list of exceptions, answers nobody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.subject = subjects.of_request(request)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in routes.OPEN_ROUTES:
            return None
        subject = request.subject  # type: ignore[attr-defined]
        if name in routes.SIGNED_IN_ROUTES and subject.kind is not Kind.ANONYMOUS:
            return None
        permission = getattr(view, "permission", None)
        if permission and may(subject, permission):
            return None
        return HttpResponse(status=401 if subject.kind is Kind.ANONYMOUS else 403)
