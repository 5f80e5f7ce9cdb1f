"""Signing in and out: how often it may be tried, and what is written down about it."""

from __future__ import annotations

from typing import Any

from axes.utils import reset as axes_reset
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.access import grants, refused, sessions, stamp
from core.access.audit.api import Action, record
from core.access.credentials import CredentialRefusedError, Shown, Why
from core.access.models import User
from core.access.services import accounts

LOCKED_OUT = 429


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: Any) -> HttpResponse:
    """What somebody sees who guessed too often."""
    rest = settings.AXES_COOLOFF_TIME
    answer = render(
        request, "errors/429.html", {"minutes": int(rest.total_seconds() // 60)}, status=LOCKED_OUT
    )
    answer["Retry-After"] = str(int(rest.total_seconds()))
    return answer


def unlock(username: str) -> None:
    """Forget the wrong guesses for a name."""
    axes_reset(username=username)


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="postroom-signed-in")
    user_logged_out.connect(_signed_out, dispatch_uid="postroom-signed-out")
    user_login_failed.connect(_sign_in_refused, dispatch_uid="postroom-sign-in-refused")


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    sessions.begin(request.session)
    _record(Action.SIGNED_IN, request, user)


@transaction.atomic
def _signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        # What this session has open elsewhere, a websocket, looks again and closes.
        stamp.bump()
        _record(Action.SIGNED_OUT, request, user)


def _record(action: Action, request: HttpRequest, user: User) -> None:
    subject = grants.subject_of(user, via="session")
    record(action, by=subject, on=accounts.target(user), source=address_of(request))


def _sign_in_refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    # A password typed into the field of the name must not end up in the trail: names that nobody has are not written.
    name = str(credentials.get("username", ""))
    known = User.objects.filter(username=name).exists()
    shown = Shown("sign-in", name if known else "an unknown name")
    refused.note(CredentialRefusedError(Why.PASSWORD, shown), address_of(request) if request else "")
