"""The console as a Django app: templates, template tags and no tables."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Console"

    def ready(self) -> None:
        from core import hints
        from dashboard.live.sender import sender
        from dashboard.live.topics import register_all

        hints.listen(sender.send)
        register_all()
