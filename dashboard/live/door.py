"""Who comes in: origin, credential, right, and room. Looked at before the socket is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from core.access import subjects
from core.access.api import Kind, Permission, Subject, may
from core.access.credentials import CredentialRefusedError
from dashboard.live import origin, threads
from dashboard.live.frames import Close

# What may be followed on the socket is decided topic by topic; this is the right to open one at all.
PERMISSION = Permission.SEE


class ForeignOriginError(Exception):
    """The handshake comes from another site's page, or from nowhere with a session cookie."""


class TurnedAwayError(Exception):
    """The client is told why, by a close code that it understands and a sentence."""

    def __init__(self, code: Close, says: str) -> None:
        super().__init__(says)
        self.code, self.says = code, says


Credential = tuple[str, str]


def credential(scope: Mapping[str, Any]) -> Credential:
    """What the handshake proves itself with: equal for sockets of one browser, or of one token."""
    return header(scope, b"authorization"), header(scope, b"cookie")


def header(scope: Mapping[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def look_at_origin(scope: Mapping[str, Any]) -> None:
    """A program with a token need not say where it comes from; a browser always does."""
    came, authorization = header(scope, b"origin"), header(scope, b"authorization")
    if not came and authorization:
        return
    if not origin.allowed(
        came,
        header(scope, b"host"),
        hosts=settings.ALLOWED_HOSTS,
        trusted=settings.CSRF_TRUSTED_ORIGINS,
        https=settings.POSTROOM.https,
    ):
        raise ForeignOriginError


async def admit(scope: Mapping[str, Any]) -> Subject:
    """Who it is, or TurnedAwayError."""
    try:
        subject = await threads.prove(lambda: subjects.of_scope(scope))
    except CredentialRefusedError as problem:
        raise TurnedAwayError(Close.SIGN_IN, str(problem)) from None
    return with_right(subject)


def with_right(subject: Subject) -> Subject:
    """The subject itself when it may be here."""
    decision = may(subject, PERMISSION)
    if not decision:
        nobody = subject.kind is Kind.ANONYMOUS
        raise TurnedAwayError(Close.SIGN_IN if nobody else Close.NO_RIGHT, decision.reason)
    return subject


def still_admitted(subject: Subject, scope: Mapping[str, Any]) -> Subject | None:
    """The subject as it is now; None when it may no longer be here.

    Without a stamp and an end it is read anew: a session goes on after its end when it was used elsewhere meanwhile.
    """
    return subjects.still(replace(subject, until=float("inf"), stamp=""), scope)
