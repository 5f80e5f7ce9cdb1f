"""From a request, a header or a websocket to the subject that stands behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import close_old_connections
from django.http import HttpRequest

from core import clock
from core.access import addresses, bearer, grants, refused, sessions, stamp
from core.access.api import ANONYMOUS, Subject
from core.access.credentials import CredentialRefusedError, Shown, Why
from core.access.models import User


def access_stamp() -> str:
    """Changes when accounts, grants, roles or tokens change. Read from the database at most once a second."""
    return str(bearer.CACHE.stamp)


def of_authorization(header: str, source: str) -> Subject:
    """Who an Authorization header (or gRPC's `authorization` metadata) stands for.

    Raises CredentialRefusedError, after noting it for the audit trail. An empty header is nobody.
    """
    if not header:
        return ANONYMOUS
    try:
        return bearer.subject_of(header)
    except CredentialRefusedError as problem:
        refused.note(problem, source)
        raise


async def aof_authorization(header: str, source: str) -> Subject:
    """The same for an event loop: at once when it was seen within the last second, else in a thread."""
    remembered = bearer.remembered(header)
    if remembered is not None:
        return remembered
    return await sync_to_async(_in_a_thread, thread_sensitive=False)(header, source)


def _in_a_thread(header: str, source: str) -> Subject:
    """A thread of the loop's pool has a database connection of its own, which no request's end closes."""
    try:
        return of_authorization(header, source)
    finally:
        close_old_connections()


def of_token(raw: str) -> Subject | None:
    """Who a bare token or JWT stands for; None when it is refused. Leaves no note: for checks that go on."""
    try:
        return bearer.subject_of(f"Bearer {raw}")
    except CredentialRefusedError:
        return None


def of_request(request: HttpRequest) -> Subject:
    """A header outweighs a cookie: with both, only the header counts. Raises as of_authorization does."""
    source = request.META.get("REMOTE_ADDR", "")
    if header := request.headers.get("Authorization", ""):
        return of_authorization(header, source)
    return _of_session(request, source)


class _SocketRequest:
    """As much of a request as sessions need: a websocket has no HttpRequest."""

    def __init__(self, session: SessionBase) -> None:
        self.session = session

    @cached_property
    def user(self) -> AbstractBaseUser | AnonymousUser:
        return get_user(self)  # type: ignore[arg-type]


def of_scope(scope: Mapping[str, Any]) -> Subject:
    """Who opens a websocket: by Authorization header, else by session cookie. Raises as of_authorization does."""
    source = addresses.of_scope(scope)
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if header := headers.get(b"authorization", ""):
        return of_authorization(header, source)
    key = _session_key(headers.get(b"cookie", ""))
    if key is None:
        return ANONYMOUS
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return _of_session(_SocketRequest(store(key)), source)


def still(subject: Subject, scope: Mapping[str, Any]) -> Subject | None:
    """For a websocket that stays open: the same subject while access is unchanged, a newly read one after a change,
    None when it must close. Costs nothing most of the time; call it every second."""
    if clock.unix() >= subject.until:
        return None
    if subject.stamp == access_stamp():
        return subject
    try:
        again = of_scope(scope)
    except CredentialRefusedError:
        return None
    return again if (again.kind, again.id) == (subject.kind, subject.id) else None


def _of_session(request: HttpRequest | _SocketRequest, source: str) -> Subject:
    claimed = request.session.get(SESSION_KEY)
    if claimed is None:
        return ANONYMOUS
    at_stamp = stamp.read()
    user = request.user
    # Django ends a session whose password was changed or whose account is off, and says nothing: we do.
    why = sessions.why_over(request.session) if user.is_authenticated else Why.SESSION_ENDED
    if why:
        request.session.flush()
        problem = CredentialRefusedError(why, Shown("session", _name_of(claimed)))
        refused.note(problem, source)
        raise problem
    assert isinstance(user, User)
    subject = grants.subject_of(user, via="session", stamp=str(at_stamp))
    return replace(subject, until=sessions.until(request.session))


def _name_of(pk: str) -> str:
    return User.objects.filter(pk=pk).values_list("username", flat=True).first() or f"person {pk}"


def _session_key(cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return found.value if found else None
