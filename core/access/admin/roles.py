"""Roles: what one may do, who has it, and where."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.access import selectors
from core.access.admin_kit import RoomAdmin, RowForm, drawn
from core.access.api import Permission
from core.access.models import Role
from core.access.permissions import ABOUT
from core.access.services import change_role, create_role, delete_role, of_request

CHOICES = [(str(permission), f"{about.title}: {about.means}") for permission, about in ABOUT.items()]


class RoleForm(RowForm):
    """A role as a list of boxes to tick."""

    permissions = forms.MultipleChoiceField(choices=CHOICES, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Role
        fields = ("name", "title", "permissions")


@admin.register(Role)
class RoleAdmin(RoomAdmin):
    """Built-in roles can be looked at and copied; the rest is ordinary."""

    opens = Permission.MANAGE_ACCESS
    audited_as = "name"
    form = RoleForm
    list_display = ("name", "title", "built_in", "may_do", "holders")
    list_filter = ("built_in",)
    search_fields = ("name", "title")
    change_form_template = "admin/access/role.html"

    def get_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        if obj is None:
            return ("name", "title", "permissions")
        shown = "what_it_may_do" if obj.built_in else "permissions"
        return ("name", "title", shown, "who_has_it")

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        if obj is None:
            return ()
        fixed = ("name", "title", "what_it_may_do") if obj.built_in else ("name",)
        return (*fixed, "who_has_it")

    def has_change_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.built_in)

    def has_delete_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.built_in)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?copy=NAME` starts from another role."""
        source = Role.objects.filter(name=request.GET.get("copy", "")).first()
        if source is None:
            return {}
        return {"title": source.title, "permissions": source.permissions, "name": f"{source.name}-copy"}

    @admin.display(description="may do")
    def may_do(self, role: Role) -> str:
        return ", ".join(ABOUT[each].title.lower() for each in Permission if each in role.allowed())

    @admin.display(description="given to")
    def holders(self, role: Role) -> int:
        return role.grants.count()

    @admin.display(description="what it may do")
    def what_it_may_do(self, role: Role) -> SafeString:
        about = [ABOUT[each] for each in Permission if each in role.allowed()]
        return drawn("admin/access/permissions.html", about=about)

    @admin.display(description="who has it, and where")
    def who_has_it(self, role: Role) -> SafeString:
        return drawn("admin/access/grants.html", grants=selectors.holders(role), field="role", holder=role)

    def save_model(self, request: HttpRequest, obj: Role, form: Any, change: bool) -> None:
        chosen = [Permission(name) for name in form.cleaned_data["permissions"]]
        title = form.cleaned_data["title"]
        if change:
            change_role(obj, chosen, of_request(request), title=title)
        else:
            obj.pk = create_role(form.cleaned_data["name"], chosen, of_request(request), title=title).pk
            obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Role) -> None:
        delete_role(obj, of_request(request))
