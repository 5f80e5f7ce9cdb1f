"""What a route needs: declared on the view, enforced by the middleware, walked by a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from core.access.api import Decision, Kind, Subject, may
from core.access.permissions import Permission

V = TypeVar("V", bound=Callable[..., Any])

# A view needs one permission, or any one of several; the place is decided by the view.
Needed = Permission | frozenset[Permission]

# Routes that need no permission, by name: the whole list. Everything else is refused unless it declares one.
OPEN_ROUTES = frozenset({"sign-in", "oidc-start", "oidc-return", "healthz", "readyz", "jwks"})

# Routes for anybody who is signed in or carries a valid token: they show the asker only what is theirs.
SIGNED_IN_ROUTES = frozenset(
    {"sign-out", "me", "my-permissions", "change-password", "approvals", "approvals-withdraw"}
)


def requires(permission: Permission, *others: Permission, **by_method: Permission) -> Callable[[V], V]:
    """Declare the permission that a view needs somewhere; what it shows or touches is decided by `may` on the place.

    Several: any one of them will do. By method: `requires(Permission.SEE, POST=Permission.TRIAGE)`.
    """

    def mark(view: V) -> V:
        view.permission = frozenset({permission, *others}) if others else permission  # type: ignore[attr-defined]
        view.permission_by_method = by_method  # type: ignore[attr-defined]
        return view

    return mark


def needed_by(view: Callable[..., Any], method: str = "GET") -> Needed | None:
    """What the view declares for a method; None when it declares nothing."""
    by_method: dict[str, Needed] = getattr(view, "permission_by_method", {})
    return by_method.get(method) or getattr(view, "permission", None)


def decide(route: str, view: Callable[..., Any], method: str, subject: Subject) -> Decision:
    """May the subject enter this route at all? A route that declares nothing is closed to everybody."""
    if route in OPEN_ROUTES:
        return Decision(True, "open to everybody")
    if subject.kind is Kind.ANONYMOUS:
        return Decision(False, "Sign in, or send a token.")
    if route in SIGNED_IN_ROUTES:
        return Decision(True, "open to everybody who is signed in")
    needed = needed_by(view, method)
    if needed is None:
        return Decision(False, "This route declares no permission, so nobody may use it.")
    return any_of(subject, needed)


def any_of(subject: Subject, needed: Needed) -> Decision:
    """The first permission of those that will do, or the refusal of one."""
    wanted = [needed] if isinstance(needed, Permission) else sorted(needed)
    decisions = [may(subject, permission) for permission in wanted]
    return next((decision for decision in decisions if decision), decisions[0])
