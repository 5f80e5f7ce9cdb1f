"""The console as a Django app: templates, template tags and no tables."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Console"

    def ready(self) -> None:
        from agents.registry import selectors as registry
        from core import hints
        from dashboard.live import topics
        from dashboard.live.sender import sender
        from dashboard.pages import environments, finders

        hints.listen(sender.send)
        topics.register_all()
        finders.register_all()
        environments.register(registry.environments)
