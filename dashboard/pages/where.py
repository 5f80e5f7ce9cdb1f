"""Where is it? The search box of the top bar, and what the palette finds on the server."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from core.access.api import Permission
from core.access.routes import requires
from dashboard.pages import frame, search


@requires(Permission.SEE)
@require_safe
def where(request: HttpRequest) -> HttpResponse:
    """Everything by that name. When it is one thing only, the way there."""
    wanted = request.GET.get("id", "").strip()
    answers = search.ask(wanted, frame.subject_of(request))
    found = [thing for answer in answers for thing in answer.found]
    if len(found) == 1:
        return redirect(frame.carry(request, found[0].url))
    return render(
        request, "pages/where.html", {"wanted": wanted, "answers": answers, "kinds": search.kinds()}
    )


@requires(Permission.SEE)
@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """What the palette shows below its own pages and actions."""
    answers = search.ask(request.GET.get("q", ""), frame.subject_of(request))
    return render(
        request,
        "parts/palette_found.html",
        # The palette knows the pages already.
        {"answers": [answer for answer in answers if answer.kind != "pages"]},
    )
