"""Alerts as a Django app; its tables lie in `default`."""

from __future__ import annotations

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "agents.alerts"
    label = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        from agents.alerts.services import retention as alerts
        from core import retention

        retention.register("alerts", alerts.drop_expired)
