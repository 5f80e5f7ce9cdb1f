"""The ground floor as a Django app: it owns no tables, only commands."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Postroom"

    def ready(self) -> None:
        from core import database_errors

        database_errors.count()
