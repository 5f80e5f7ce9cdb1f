"""The REST API as a Django app: it owns the table of repeated requests."""

from __future__ import annotations

from django.apps import AppConfig

from core import retention


class ApiConfig(AppConfig):
    name = "dashboard.api"
    label = "api"
    verbose_name = "REST API"

    def ready(self) -> None:
        from dashboard.api import idempotency, schema_parts  # noqa: F401 - the schema's parts register themselves

        retention.register("repeated requests", idempotency.drop_expired)
