"""How long a session lives: at most a working day, and not much longer than somebody looks at it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from core import clock
from core.access.credentials import Why

STARTED, SEEN = "postroom_started", "postroom_seen"
# The time of the last use is kept in the session's row; once a minute is near enough.
SEEN_EVERY_SECONDS = 60.0


def begin(session: SessionBase) -> None:
    """Somebody signed in: the clocks of the session start."""
    session[STARTED] = session[SEEN] = clock.unix()


def why_over(session: SessionBase) -> Why | None:
    """Why the session is over, by the clock; None while it is not."""
    now = clock.unix()
    if now >= until(session):
        return Why.SESSION_OLD
    if now - session.get(SEEN, 0.0) > settings.SESSION_IDLE_SECONDS:
        return Why.SESSION_IDLE
    return None


def until(session: SessionBase) -> float:
    """The moment after which using it more does not help."""
    return float(session.get(STARTED, 0.0)) + settings.SESSION_COOKIE_AGE


def seen(session: SessionBase) -> None:
    now = clock.unix()
    if now - session.get(SEEN, 0.0) > SEEN_EVERY_SECONDS:
        session[SEEN] = now
