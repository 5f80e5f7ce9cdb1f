"""Alerts in Django's admin: rules, silences and channels are kept here too; alerts and notices are looked at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from agents.alerts.models import Alert, Channel, Notice, Rule, Silence
from agents.alerts.services import channels, rules, silences
from agents.alerts.services.channels import ChannelError
from agents.alerts.services.rules import RuleError
from agents.alerts.services.silences import SilenceError
from core.access.admin_kit import RoomAdmin, RowForm
from core.access.api import Permission
from core.access.services import of_request
from core.transitions import StaleStateError


class Kept(RoomAdmin):
    """What who manages alerts may change."""

    opens = Permission.MANAGE_ALERTS
    refusals = (RuleError, SilenceError, ChannelError, StaleStateError)


class LookedAt(Kept):
    """What changes by itself, or on its page in the console."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RuleForm(RowForm):
    """What is looked for."""

    class Meta:
        model = Rule
        fields = ("name", *rules.FIELDS)


@admin.register(Rule)
class RuleAdmin(Kept):
    """A rule. One that comes with Postroom is switched off, not deleted."""

    form = RuleForm
    list_display = ("title", "name", "signal", "threshold", "hold_s", "severity", "enabled", "built_in")
    list_filter = ("enabled", "severity", "signal")
    search_fields = ("name", "title")
    ordering = ("title",)

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Rule | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.built_in)

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        rules.save(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        rules.delete(obj, of_request(request))


class SilenceForm(RowForm):
    """What is not sent out, until when, and why."""

    class Meta:
        model = Silence
        fields = ("reason", "kind", "rule", "environment", "queue", "agent", "begins_at", "ends_at")


@admin.register(Silence)
class SilenceAdmin(Kept):
    """A silence stays on record: deleting it here ends it."""

    form = SilenceForm
    list_display = ("reason", "kind", "environment", "queue", "agent", "rule", "by", "begins_at", "ends_at")
    list_filter = ("kind",)
    list_select_related = ("rule",)
    search_fields = ("reason", "by")
    ordering = ("-ends_at",)

    def has_change_permission(self, request: HttpRequest, obj: Silence | None = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Silence, form: Any, change: bool) -> None:
        silences.make(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: Silence) -> None:
        silences.end(obj, of_request(request))


class ChannelForm(RowForm):
    """What a channel wants; its address and key are changed on its page in the console."""

    class Meta:
        model = Channel
        fields = channels.FIELDS


@admin.register(Channel)
class ChannelAdmin(Kept):
    """Where notices go. One is made on the console's page, which shows its key once."""

    form = ChannelForm
    list_display = ("name", "kind", "shown", "at_least", "environment", "enabled")
    list_filter = ("kind", "enabled")
    search_fields = ("name",)
    readonly_fields = ("kind", "shown", "made_at")
    fields = (*channels.FIELDS, *readonly_fields)
    ordering = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        channels.change(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: Channel) -> None:
        channels.delete(obj, of_request(request))


@admin.register(Alert)
class AlertAdmin(LookedAt):
    """Alerts are acknowledged and cleared on their pages."""

    list_display = ("title", "state", "severity", "environment", "queue", "agent", "since")
    list_filter = ("state", "severity", "environment")
    search_fields = ("title", "queue", "agent")
    ordering = ("-last_raised_at",)


@admin.register(Notice)
class NoticeAdmin(LookedAt):
    """What went out. Its attempts stand on the channel's page."""

    list_display = ("title", "channel", "kind", "state", "tries", "made_at", "due_at")
    list_filter = ("state", "kind", "channel")
    list_select_related = ("channel",)
    search_fields = ("title",)
    exclude = ("body", "lease")
    ordering = ("-made_at",)
