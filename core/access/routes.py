"""What a route needs: declared on the view, enforced by the middleware, walked by a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from core.access.permissions import Permission

V = TypeVar("V", bound=Callable[..., Any])

# Routes that need no permission, by name: the whole list. Everything else is refused unless it declares one.
OPEN_ROUTES = frozenset({"sign-in", "healthz", "readyz", "jwks"})

# Routes for anybody who is signed in or carries a valid token: they show the asker only what is theirs.
SIGNED_IN_ROUTES = frozenset({"sign-out", "me", "my-permissions"})


def requires(permission: Permission) -> Callable[[V], V]:
    """Declare the permission that a view needs somewhere; what it shows or touches is decided by `may` on the place."""

    def mark(view: V) -> V:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark
