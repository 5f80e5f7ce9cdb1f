"""Redrive policies in Django's admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from agents.operations.models import RedrivePolicy
from agents.operations.services import policies
from agents.operations.services.policies import PolicyRefusedError
from core.access.admin_kit import RoomAdmin
from core.access.api import Permission
from core.access.services import of_request
from core.transitions import StaleStateError


@admin.register(RedrivePolicy)
class RedrivePolicyAdmin(RoomAdmin):
    """Letters of the class transient within the scope are redriven by themselves, as ordinary operations."""

    opens = Permission.MANAGE_LETTERS
    refusals = (PolicyRefusedError, StaleStateError)
    list_display = ("name", "enabled", "environment", "queue", "agent", "at_most", "budget", "said")
    list_filter = ("enabled", "environment")
    search_fields = ("name", "note")
    fields = (*policies.FIELDS, "checked_at", "said")
    readonly_fields = ("checked_at", "said")

    def get_queryset(self, request: HttpRequest) -> Any:
        return policies.seen_by(request.subject)  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: RedrivePolicy, form: Any, change: bool) -> None:
        policies.save(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: RedrivePolicy) -> None:
        policies.delete(obj, of_request(request))
