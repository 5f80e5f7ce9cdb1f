"""Into the API: the subject from the middleware, and the view's own permission once more.

The REST framework imports this while it makes its own views, so no view stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.access import routes
from core.access.api import PermissionRefusedError, Subject

if TYPE_CHECKING:
    from rest_framework.views import APIView


class SubjectAuthentication(BaseAuthentication):
    """Trusts the subject that AccessMiddleware put on the request; there is no second way in."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser | AnonymousUser, Subject]:
        inner = request._request
        return inner.user, inner.subject  # type: ignore[attr-defined]

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Postroom"'


class DeclaredPermission(BasePermission):
    """The view's own permission once more, so that a view called without the middleware is closed as well."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        decision = routes.decide(_route(request), view, request.method or "GET", subject_of(request))  # type: ignore[arg-type]
        if not decision:
            raise PermissionRefusedError(decision)
        return True


def subject_of(request: Request) -> Subject:
    subject: Subject = request.auth  # type: ignore[assignment]
    return subject


def _route(request: Request) -> str:
    match = request._request.resolver_match
    return match.view_name if match else ""
