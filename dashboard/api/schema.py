"""The API's description, for programs and for people. Whoever may do anything may read how."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.access.api import Permission
from core.access.routes import requires
from dashboard.api.views import ApiView

ANYTHING = frozenset(Permission)


@extend_schema(exclude=True)
class Schema(ApiView, SpectacularAPIView):
    """OpenAPI 3, as YAML or with `?format=json` as JSON."""

    permission = ANYTHING

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return answer


@requires(*Permission)
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/api_docs.html")
