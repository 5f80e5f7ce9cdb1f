"""The store for spans and logs as a Django app: it has no models, only the tables of its PostgreSQL engine."""

from __future__ import annotations

from django.apps import AppConfig


class SpansConfig(AppConfig):
    name = "agents.spans"
    label = "spans"
    verbose_name = "Spans and logs"

    def ready(self) -> None:
        from agents.spans import services
        from core import retention

        retention.register("spans", services.drop_expired)
