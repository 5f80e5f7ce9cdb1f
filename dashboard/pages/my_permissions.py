"""My permissions: what may I do, where, and why?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.access import effective
from dashboard.pages import frame


@require_safe
def my_permissions(request: HttpRequest) -> HttpResponse:
    subject = frame.subject_of(request)
    rights = effective.rights(subject)
    return render(
        request,
        "pages/my_permissions.html",
        {
            "held": [right for right in rights if right.held],
            "missing": [right for right in rights if not right.held],
            "missing_count": sum(not right.held for right in rights),
            "by_password": request.user.is_authenticated and request.user.has_usable_password(),
        },
    )
