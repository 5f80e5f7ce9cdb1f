"""Letter sources and rules of masking in Django's admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from agents.deadletters.models import LetterSource, MaskRule
from agents.deadletters.services import masks, sources
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


@admin.register(MaskRule)
class MaskRuleAdmin(RoomAdmin):
    """What is hidden from those who may not read payloads, beside what is built in."""

    opens = Permission.MANAGE_LETTERS
    list_display = ("name", "kind", "what", "enabled")
    list_filter = ("kind", "enabled")
    search_fields = ("name", "what")
    fields = masks.FIELDS

    def save_model(self, request: HttpRequest, obj: MaskRule, form: Any, change: bool) -> None:
        masks.save(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: MaskRule) -> None:
        masks.remove(obj, of_request(request))
