"""The audit trail as a Django app."""

from __future__ import annotations

from django.apps import AppConfig

from core import retention


class AuditConfig(AppConfig):
    name = "core.access.audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from core.access.audit import segments

        retention.register("audit", segments.sweep)
