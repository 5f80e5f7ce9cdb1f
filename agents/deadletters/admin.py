"""Letter sources in Django's admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from agents.deadletters.models import LetterSource
from agents.deadletters.services import sources
from agents.deadletters.services.sources import AT_MOST_ONCE
from core.access.admin_kit import RoomAdmin
from core.access.api import Permission
from core.access.services import of_request


@admin.register(LetterSource)
class LetterSourceAdmin(RoomAdmin):
    """A dead-letter queue that users have already. The watcher follows a change within seconds."""

    opens = Permission.MANAGE_LETTERS
    list_display = ("queue", "broker", "environment", "agent", "enabled", "added_at", "added_by")
    list_filter = ("broker", "enabled")
    search_fields = ("queue", "note")
    fieldsets = ((None, {"fields": sources.FIELDS, "description": AT_MOST_ONCE}),)

    def save_model(self, request: HttpRequest, obj: LetterSource, form: Any, change: bool) -> None:
        sources.save(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: LetterSource) -> None:
        sources.remove(obj, of_request(request))
