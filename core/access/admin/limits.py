"""Approval limits: who needs a second person, for what, and above which count."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from core.access.admin.grants import SCOPE, ScopeForm
from core.access.admin_kit import RoomAdmin
from core.access.api import Permission
from core.access.models import ApprovalLimit
from core.access.permissions import ABOUT
from core.access.services import delete_limit, of_request, save_limit

# What people do to messages; the rest does not come in counts.
COUNTED = (Permission.REDRIVE, Permission.PURGE, Permission.RESTORE, Permission.MOVE, Permission.EXPORT)


class LimitForm(ScopeForm):
    """A limit."""

    action = forms.ChoiceField(choices=[(str(each), ABOUT[each].title) for each in COUNTED])

    class Meta:
        model = ApprovalLimit
        fields = ("action", "above", "role", *SCOPE)


@admin.register(ApprovalLimit)
class LimitAdmin(RoomAdmin):
    """The most generous of somebody's roles counts; within a role, the strictest limit."""

    opens = Permission.MANAGE_ACCESS
    audited_as = "pk"
    form = LimitForm
    list_display = ("action", "above", "role", "scope")
    list_filter = ("action", "role")
    autocomplete_fields = ("role",)

    def save_model(self, request: HttpRequest, obj: ApprovalLimit, form: Any, change: bool) -> None:
        save_limit(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: ApprovalLimit) -> None:
        delete_limit(obj, of_request(request))
