"""The registry as a Django app; it is precious, so its tables lie in `default`."""

from __future__ import annotations

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "agents.registry"
    label = "registry"
    verbose_name = "Registry"

    def ready(self) -> None:
        from agents.registry.services import retention as registry
        from core import retention

        retention.register("registry", registry.drop_expired)
