"""The registry in Django's admin: correct an entry, drain and weigh, look at instances."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from agents.registry.models import Agent, AgentVersion, Instance, SenderPolicy, SigningKey
from agents.registry.services import policies, registration, signing
from agents.registry.services.registration import VersionChange
from core.access.admin_kit import RoomAdmin, RowForm
from core.access.api import Permission
from core.access.services import of_request

OF_AGENT = registration.OF_AGENT
OF_VERSION = registration.OF_VERSION


class Registered(RoomAdmin):
    """What agents make by themselves is changed here, and never made."""

    opens = Permission.MANAGE_AGENTS

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


def _changed(form: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in names if name in form.changed_data}


class AgentForm(RowForm):
    """What may be said of an agent."""

    class Meta:
        model = Agent
        fields = OF_AGENT


@admin.register(Agent)
class AgentAdmin(Registered):
    """An agent. Its page in the console shows how it lives."""

    form = AgentForm
    list_display = ("agent_id", "environment", "owner", "registered_at", "last_seen")
    list_filter = ("environment", "owner")
    search_fields = ("agent_id", "name", "owner")
    readonly_fields = ("agent_id", "environment", "registered_at", "first_seen", "last_seen")
    fields = (*readonly_fields, *OF_AGENT)
    ordering = ("agent_id", "environment")

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        registration.change(obj, _changed(form, OF_AGENT), (), of_request(request))

    def delete_model(self, request: HttpRequest, obj: Agent) -> None:
        registration.deregister(obj, of_request(request))


class VersionForm(RowForm):
    """What may be said of a version."""

    class Meta:
        model = AgentVersion
        fields = OF_VERSION


@admin.register(AgentVersion)
class VersionAdmin(Registered):
    """A version: what it can do, where it answers, and how much of the traffic it gets."""

    form = VersionForm
    list_display = ("agent", "version", "weight", "drained", "endpoint", "p95_ms", "last_seen")
    list_filter = ("drained", "agent__environment")
    list_select_related = ("agent",)
    search_fields = ("agent__agent_id", "version")
    readonly_fields = (
        "agent",
        "version",
        "first_seen",
        "last_seen",
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "probe_said",
    )
    fields = (*readonly_fields, *OF_VERSION)
    ordering = ("agent__agent_id", "version")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AgentVersion, form: Any, change: bool) -> None:
        change_ = VersionChange(obj.version, _changed(form, OF_VERSION))
        registration.change(obj.agent, {}, [change_], of_request(request))


@admin.register(Instance)
class InstanceAdmin(Registered):
    """Instances live by their heartbeats; nothing of them is changed by hand."""

    list_display = ("instance_id", "agent", "version", "state", "since", "last_beat")
    list_filter = ("state", "agent__environment")
    list_select_related = ("agent",)
    search_fields = ("instance_id", "agent__agent_id")
    ordering = ("-last_seen",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SigningKey)
class SigningKeyAdmin(Registered):
    """Public keys that agents registered. Deleting one ends it at once; the agent may register it again."""

    opens = Permission.MANAGE_ACCESS
    list_display = ("kid", "agent", "since", "retired_at")
    list_filter = ("agent__environment",)
    list_select_related = ("agent",)
    search_fields = ("kid", "agent__agent_id")
    ordering = ("kid",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: SigningKey) -> None:
        signing.delete(obj, of_request(request))


class SenderPolicyForm(RowForm):
    """Patterns (`*`, `?`) of environment, agents and task."""

    class Meta:
        model = SenderPolicy
        fields = policies.FIELDS


@admin.register(SenderPolicy)
class SenderPolicyAdmin(RoomAdmin):
    """The first that matches decides. To close what is not named, deny `*` in the last place."""

    opens = Permission.MANAGE_ACCESS
    form = SenderPolicyForm
    list_display = ("position", "effect", "sender", "recipient", "action", "environment", "note")
    list_filter = ("effect", "environment")
    search_fields = ("sender", "recipient", "action")
    ordering = ("position", "pk")

    def save_model(self, request: HttpRequest, obj: SenderPolicy, form: Any, change: bool) -> None:
        policies.save(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: SenderPolicy) -> None:
        policies.delete(obj, of_request(request))
