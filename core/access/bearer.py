"""Who stands behind `Authorization: Bearer …`: a Postroom token, or a JWT."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from math import inf

from django.db import DatabaseError
from django.db.models import Q

from core import clock
from core.access import grants, jwts, stamp, token_secret
from core.access.api import Subject
from core.access.credentials import CredentialRefusedError, Shown, Why
from core.access.models import ServiceAccount, Token
from core.access.token_cache import USE_NOTED_SECONDS, Entry, TokenCache

log = logging.getLogger(__name__)

LONGEST = 8192
JWT_REMEMBER_SECONDS = 60.0
CACHE = TokenCache(stamp.read)
stamp.when_changed(CACHE.forget)


def remembered(header: str) -> Subject | None:
    """The subject, when it was read within the last second or access is known not to have changed since.

    Does no I/O and never refuses: None means ask `subject_of`.
    """
    if not CACHE.fresh():
        return None
    entry = CACHE.get(token_secret.digest(_raw(header) or ""))
    if entry is None or _note_due(entry):
        return None
    return entry.subject


def subject_of(header: str) -> Subject:
    """The subject, or CredentialRefusedError. May read the database and fetch keys."""
    raw = _raw(header)
    if raw is None:
        raise CredentialRefusedError(Why.MALFORMED, Shown("header", "unreadable"))
    CACHE.refresh()
    digest, at_stamp = token_secret.digest(raw), CACHE.stamp
    entry = CACHE.get(digest)
    if entry is None:
        entry = _of_jwt(raw, at_stamp) if jwts.looks_like_one(raw) else _of_token(raw, digest, at_stamp)
        CACHE.put(digest, entry, at_stamp)
    if _note_due(entry):
        _note_use(entry)
    return entry.subject


def _raw(header: str) -> str | None:
    scheme, _, raw = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not raw.strip() or len(raw) > LONGEST:
        return None
    return raw.strip()


def _of_token(raw: str, digest: str, at_stamp: int) -> Entry:
    shown = Shown("token", token_secret.prefix(raw) if token_secret.looks_like_one(raw) else "unrecognised")
    token = Token.objects.select_related("user", "service_account").filter(digest=digest).first()
    if token is None:
        raise CredentialRefusedError(Why.UNKNOWN, shown)
    if why := _wrong_with(token):
        raise CredentialRefusedError(why, shown)
    subject = grants.subject_of(token.holder, via=f"token:{token.name}", stamp=str(at_stamp))
    until = token.expires_at.timestamp() if token.expires_at else inf
    return Entry(replace(subject, bounds=token.scope, until=until), until, token.pk)


def _wrong_with(token: Token) -> Why | None:
    if token.state == "revoked":
        return Why.REVOKED
    if token.state == "expired":
        return Why.EXPIRED
    active = token.user.is_active if token.user else token.service_account and token.service_account.active
    return None if active else Why.INACTIVE


def _of_jwt(raw: str, at_stamp: int) -> Entry:
    good = jwts.verify_by_settings(raw)
    shown = Shown("jwt", f"{good.issuer} {good.subject}"[:200])
    account = ServiceAccount.objects.filter(jwt_subject=good.subject).first()
    if account is None:
        raise CredentialRefusedError(Why.NO_ACCOUNT, shown)
    if not account.active:
        raise CredentialRefusedError(Why.INACTIVE, shown)
    subject = grants.subject_of(account, via=f"jwt:{good.issuer}", stamp=str(at_stamp))
    # A key that is taken off the list must stop working for JWTs that were seen before, too.
    look_again = min(good.expires_at, clock.unix() + JWT_REMEMBER_SECONDS)
    return Entry(replace(subject, until=good.expires_at), look_again)


def _note_due(entry: Entry) -> bool:
    return entry.token_id != 0 and clock.unix() - entry.used_noted_at > USE_NOTED_SECONDS


def _note_use(entry: Entry) -> None:
    """Write down when the token was last used; at most once a minute, by whichever process comes first."""
    now = clock.now()
    entry.used_noted_at = now.timestamp()
    due = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(seconds=USE_NOTED_SECONDS))
    try:
        Token.objects.filter(due, pk=entry.token_id).update(last_used_at=now)
    except DatabaseError:
        # A token is no worse for a database that is busy; the next minute writes it.
        log.warning("the use of a token could not be written down", exc_info=True)
