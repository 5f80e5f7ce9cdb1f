"""Puts the subject on the request, and refuses every route that does not declare who may use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from core.access import addresses, refusals, routes, sessions, subjects
from core.access.api import ANONYMOUS, Kind, PermissionRefusedError
from core.access.credentials import CredentialRefusedError

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class TrustedProxyMiddleware:
    """Believes X-Forwarded-… headers from trusted proxies, and takes them off every other request.

    After it, REMOTE_ADDR is the client's own address, for everything that reads it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta, proxies = request.META, addresses.trusted()
        peer = meta.get("REMOTE_ADDR", "")
        if peer in proxies:
            meta["REMOTE_ADDR"] = proxies.client(peer, meta.get("HTTP_X_FORWARDED_FOR", ""))
        else:
            for name in [name for name in meta if name.startswith("HTTP_X_FORWARDED_")]:
                del meta[name]
        return self.get_response(request)


class AccessMiddleware:
    """Fail closed: a view with no declared permission, and no place on the list of exceptions, answers nobody."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.subject, request.refused = ANONYMOUS, None  # type: ignore[attr-defined]
        by_header = "Authorization" in request.headers
        if by_header:
            # No cookie counts beside a header: no session, and so nothing that could be forged across sites.
            request.user = AnonymousUser()
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        try:
            request.subject = subjects.of_request(request)  # type: ignore[attr-defined]
        except CredentialRefusedError as problem:
            request.refused = problem  # type: ignore[attr-defined]
            request.user = AnonymousUser()
        if request.subject.kind is Kind.PERSON and not by_header:  # type: ignore[attr-defined]
            sessions.seen(request.session)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        route = request.resolver_match.view_name if request.resolver_match else ""
        subject = request.subject  # type: ignore[attr-defined]
        decision = routes.decide(route or "", view, request.method or "GET", subject)
        if not decision:
            if subject.kind is not Kind.ANONYMOUS:
                return refusals.forbidden(request, decision)
            problem = request.refused  # type: ignore[attr-defined]
            return refusals.unauthorised(request, str(problem or decision.reason))
        return _refuse_forgery(request, view)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view found out about the place, and the subject may not do it there."""
        if isinstance(exception, PermissionRefusedError):
            return refusals.forbidden(request, exception.decision)
        return None


def _refuse_forgery(request: HttpRequest, view: Callable[..., Any]) -> HttpResponse | None:
    """Views of the REST framework are exempt from Django's own check; for a session they must not be."""
    if not getattr(view, "csrf_exempt", False) or request.subject.via != "session":  # type: ignore[attr-defined]
        return None
    if refused := _ForgeryCheck(lambda _: HttpResponse()).check(request):
        return refused
    return None


class _ForgeryCheck(CsrfViewMiddleware):
    """Django's check, answering with a problem document."""

    def check(self, request: HttpRequest) -> HttpResponse | None:
        self.process_request(request)
        return self.process_view(request, _not_exempt, (), {})

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return refusals.problem(refusals.FORBIDDEN, f"{reason} Send the X-CSRFToken header with a session.")


def _not_exempt(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
