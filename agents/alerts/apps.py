"""Alerts as a Django app; its tables lie in `default`."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AlertsConfig(AppConfig):
    name = "agents.alerts"
    label = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        from agents.alerts.services import retention as alerts
        from core import retention

        retention.register("alerts", alerts.drop_expired)
        post_migrate.connect(_install_rules, sender=self, dispatch_uid="postroom-built-in-rules")


def _install_rules(using: str, **_: object) -> None:
    from agents.alerts import built_in_rules

    if using == "default":
        built_in_rules.install(using)
