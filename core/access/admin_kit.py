"""What every admin page of Postroom is made from: opened by one permission, changed through audited services.

A room registers its models with a class that inherits from RoomAdmin and says in `opens` what it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from core.access.admin_site import mark
from core.access.api import Permission, PermissionRefusedError, may
from core.access.services import AccessError

if TYPE_CHECKING:
    Pages = admin.ModelAdmin[Any]
    RowForm = ModelForm[Any]
else:
    # Only the type checker knows these as generic.
    Pages, RowForm = admin.ModelAdmin, ModelForm

V = TypeVar("V", bound=Callable[..., Any])


def _says_why(view: V) -> V:
    """A change that services refuse becomes a sentence above the same form; nothing of it was kept."""

    @wraps(view)
    def guarded(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = view(self, request, *args, **kwargs)
        except (AccessError, PermissionRefusedError, *self.refusals) as problem:
            messages.error(request, str(problem))
            return HttpResponseRedirect(request.get_full_path())
        return response

    return guarded  # type: ignore[return-value]


class RoomAdmin(Pages):
    """A model's pages. Django's own model permissions and superusers mean nothing here."""

    opens: ClassVar[Permission]
    # What the room's services raise to refuse a change, each a sentence.
    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    # The field by which the audit trail knows one.
    audited_as: ClassVar[str] = "pk"
    # Deleting many at once would go past the services.
    actions = None
    list_per_page = 50
    show_full_result_count = False

    def _may(self, request: HttpRequest) -> bool:
        return bool(may(request.subject, self.opens))  # type: ignore[attr-defined]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def get_urls(self) -> list[Any]:
        found = super().get_urls()
        mark(found, self.opens)
        return found

    @_says_why
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)

    @_says_why
    def delete_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().delete_view(*args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The trail knows what happened to it; Django's own log is not kept."""
        row = self.get_object(request, object_id)
        wanted = getattr(row, self.audited_as, object_id)
        return HttpResponseRedirect(f"{reverse('audit')}?{urlencode({'on': wanted})}")

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The services have written it into the audit trail."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The services have written it into the audit trail."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """The services have written it into the audit trail."""


def drawn(template: str, **context: Any) -> SafeString:
    """A part of a page, for a read-only field."""
    return mark_safe(render_to_string(template, context))  # noqa: S308 - the template escapes
