"""What every view of the API stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.views import APIView

from core.access import routes
from core.access.api import Permission, Place, Subject, require
from dashboard.api.door import subject_of


class ApiView(APIView):
    """A view of the API. `permission` is what it needs somewhere; `allow` decides about the place it touches."""

    permission: ClassVar[routes.Needed | None] = None
    permission_by_method: ClassVar[Mapping[str, routes.Needed]] = {}

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Declares the permission where the middleware looks for it: on the callable in the URL map."""
        view: Any = super().as_view(**initkwargs)
        view.permission = cls.permission
        view.permission_by_method = cls.permission_by_method
        return view

    @property
    def subject(self) -> Subject:
        return subject_of(self.request)

    def allow(self, permission: Permission, place: Place) -> None:
        """Go on, or answer 403 with the reason."""
        require(self.subject, permission, place)


def source_of(request: Request) -> str:
    """Where it came from, for the audit trail."""
    return str(request.META.get("REMOTE_ADDR", ""))
