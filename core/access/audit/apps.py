"""The audit trail as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "core.access.audit"
    label = "audit"
    verbose_name = "Audit"
