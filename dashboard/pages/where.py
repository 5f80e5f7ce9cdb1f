"""Where is it? The search box of the top bar, and what the palette finds on the server."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from core.access.api import Permission
from core.access.routes import requires
from dashboard import asked, words
from dashboard.pages import frame, search

MOST_OTHERS = 20
# What the answer itself names.
SAID_ABOVE = frozenset({"messages", "letters"})


@requires(Permission.SEE)
@require_safe
def where(request: HttpRequest) -> HttpResponse:
    """Where the message is that the id means; else everything by that name, and the way there when it is one thing."""
    wanted, subject = request.GET.get("id", "").strip(), frame.subject_of(request)
    asked_of = asked.ask(subject, wanted, frame.environment_of(request))
    answers = search.ask(wanted, subject)
    found = [thing for answer in answers for thing in answer.found]
    if asked_of is None and len(found) == 1:
        return redirect(frame.carry(request, found[0].url))
    if asked_of is not None:
        answers = [answer for answer in answers if answer.kind not in SAID_ABOVE]
    context = {"wanted": wanted, "answers": answers, "kinds": search.kinds()}
    return render(request, "pages/where.html", context | (_shown(asked_of) if asked_of else {}))


def _shown(found: asked.Found) -> dict[str, Any]:
    answer = found.answer
    query = urlencode({"id": answer.message_id, "environment": answer.environment})
    return {
        "found": found,
        "answer": answer,
        "status": answer.verdict or answer.state,
        "evidence": [
            (each, "never" if each.age_s is None else words.span(each.age_s)) for each in answer.evidence
        ],
        "curl_path": f"{reverse('api-where')}?{query}",
        "command": f"postroom where {shlex.quote(answer.message_id)}",
        "others": found.others[:MOST_OTHERS],
        "more": max(0, len(found.others) - MOST_OTHERS),
    }


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
