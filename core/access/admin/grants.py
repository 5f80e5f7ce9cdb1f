"""Grants: given and taken away, never changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from core.access import scope_text
from core.access.admin_kit import RoomAdmin, RowForm
from core.access.api import Permission, Scope
from core.access.models import GrantRow
from core.access.services import give, of_request, take_away

HOLDERS = ("user", "group", "service_account")
SCOPE = ("environment", "queue", "agent")


class ScopeForm(RowForm):
    """Patterns of environment, queue and agent; empty is everywhere."""

    environment = forms.CharField(required=False, initial="*", help_text="`*` is all; `prod-*` and so on.")
    queue = forms.CharField(required=False, initial="*")
    agent = forms.CharField(required=False, initial="*")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in SCOPE:
            try:
                cleaned[name] = scope_text.checked(cleaned.get(name) or "*")
            except ValueError as problem:
                self.add_error(name, str(problem))
        return cleaned

    def scope(self) -> Scope:
        return Scope(*(self.cleaned_data[name] for name in SCOPE))


class GrantForm(ScopeForm):
    """Who gets which role, where."""

    class Meta:
        model = GrantRow
        fields = (*HOLDERS, "role", *SCOPE)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if sum(cleaned.get(name) is not None for name in HOLDERS) != 1:
            raise forms.ValidationError("Choose one: a person, a group or a service account.")
        return cleaned

    def holder(self) -> Any:
        return next(self.cleaned_data[name] for name in HOLDERS if self.cleaned_data[name])

    def validate_unique(self) -> None:
        """Giving the same again is giving it once: the service sees to it."""

    def _post_clean(self) -> None:
        """The service makes the row; the form's own would be checked against constraints half filled in."""


@admin.register(GrantRow)
class GrantAdmin(RoomAdmin):
    """Who has which role, and where."""

    opens = Permission.MANAGE_ACCESS
    audited_as = "pk"
    form = GrantForm
    list_display = ("role", "holder_kind", "holder_name", "scope", "created_at")
    list_filter = ("role", "environment")
    list_select_related = ("role", "user", "group", "service_account")
    search_fields = ("role__name", "user__username", "group__name", "service_account__name")
    autocomplete_fields = ("user", "group", "service_account", "role")

    def has_change_permission(self, request: HttpRequest, obj: GrantRow | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: GrantRow, form: Any, change: bool) -> None:
        given = give(form.holder(), form.cleaned_data["role"], form.scope(), of_request(request))
        obj.pk = given.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: GrantRow) -> None:
        take_away(obj, of_request(request))
