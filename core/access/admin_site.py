"""Django's admin, opened by Postroom's own permissions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver

from core.access import refusals, routes
from core.access.api import Decision, Permission

# Whoever manages anything gets the index; what it lists is decided model by model.
OPENS = frozenset(
    {
        Permission.MANAGE_ACCESS,
        Permission.MANAGE_AGENTS,
        Permission.MANAGE_ALERTS,
        Permission.MANAGE_LETTERS,
        Permission.MANAGE_PRICES,
    }
)
# The console has these itself, and writes them into the audit trail.
NOT_HERE = frozenset({"login", "logout", "password_change", "password_change_done"})


class PostroomAdminSite(AdminSite):
    """The admin is for people who are signed in: it works with forms, and a token has none."""

    site_header = site_title = "Postroom"
    index_title = "Administration"
    site_url = "/"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        subject = request.subject  # type: ignore[attr-defined]
        return subject.via == "session" and bool(routes.any_of(subject, OPENS))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django would send whoever is not let in to a sign-in page of its own; a token cannot sign in."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if self.has_permission(request):
                return inner(request, *args, **kwargs)
            return refusals.forbidden(request, Decision(False, "The admin is for people who are signed in."))

        return guarded

    def get_urls(self) -> list[Any]:
        found = [each for each in super().get_urls() if getattr(each, "name", None) not in NOT_HERE]
        # A model's own routes are marked by its own class (admin_kit); an unmarked one stays closed.
        mark((each for each in found if isinstance(each, URLPattern)), OPENS)
        return found


def mark(found: Iterable[URLPattern | URLResolver], needed: routes.Needed) -> None:
    """Declare on each route what it needs, as `requires` does for a view."""
    for each in found:
        each.callback.permission = needed  # type: ignore[union-attr]


class PostroomAdminConfig(AdminConfig):
    default_site = "core.access.admin_site.PostroomAdminSite"
