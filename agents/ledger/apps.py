"""The ledger as a Django app; its tables lie in the telemetry database."""

from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "agents.ledger"
    label = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        from agents.ledger.services import retention as ledger
        from core import retention

        retention.register("ledger", ledger.drop_expired)
