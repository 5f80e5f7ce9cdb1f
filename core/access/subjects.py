"""From a request to the subject that stands behind it."""

from __future__ import annotations

from django.http import HttpRequest

from core.access.api import ANONYMOUS, Grant, Kind, Permission, Subject


def of_request(request: HttpRequest) -> Subject:
    user = request.user
    if not user.is_authenticated:
        return ANONYMOUS
    return Subject(
        Kind.PERSON,
        str(user.pk),
        user.get_username(),
        (Grant("admin", frozenset(Permission)),),
        via="session",
    )
