"""What a refused request gets: a problem document for programs, a page or the way to sign-in for people."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from core.access.api import Decision

# Paths that programs call; everything else is read by people.
PROGRAM_PATHS = ("/api/", "/v1/", "/metrics", "/.well-known/", "/healthz", "/readyz")
UNAUTHORISED, FORBIDDEN = 401, 403
_TITLES = {UNAUTHORISED: "Who are you?", FORBIDDEN: "Not allowed"}


def is_for_a_program(request: HttpRequest) -> bool:
    return request.path.startswith(PROGRAM_PATHS)


def unauthorised(request: HttpRequest, reason: str) -> HttpResponse:
    """Nobody is signed in, or the credential is refused."""
    if is_for_a_program(request):
        response = problem(UNAUTHORISED, reason)
        response["WWW-Authenticate"] = 'Bearer realm="Postroom"'
        return response
    if getattr(request, "refused", None):
        # Somebody who was in and is not any more wants to know why.
        messages.info(request, reason)
    to = f"{reverse('sign-in')}?{urlencode({'next': _way_back(request)})}"
    if request.headers.get("HX-Request"):
        # htmx would swap the sign-in page into a corner of this one.
        return HttpResponse(status=UNAUTHORISED, headers={"HX-Redirect": to})
    return HttpResponseRedirect(to)


def _way_back(request: HttpRequest) -> str:
    """Where to go after sign-in: this page, or for a form that was sent, the overview."""
    return request.get_full_path() if request.method in {"GET", "HEAD"} else "/"


def forbidden(request: HttpRequest, decision: Decision) -> HttpResponse:
    """Somebody is known, and may not."""
    if is_for_a_program(request):
        missing = {"permission": str(decision.missing)} if decision.missing else {}
        return problem(FORBIDDEN, decision.reason, **missing)
    return render(request, "errors/403.html", {"decision": decision}, status=FORBIDDEN)


def problem(status: int, detail: str, **more: str) -> HttpResponse:
    """A problem document by RFC 9457."""
    body = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail} | more
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
