"""Overview: is everything fine, and if not, what first?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.access.api import Permission
from core.access.routes import requires


@requires(Permission.SEE)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/overview.html")
