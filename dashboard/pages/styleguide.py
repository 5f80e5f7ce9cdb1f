"""Every token, component and state on one page, for those who build pages. Only with POSTROOM_DEBUG."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.access.api import Permission
from core.access.routes import requires


@requires(Permission.SEE)
@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/styleguide.html")
