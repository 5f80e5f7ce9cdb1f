"""Custody as a Django app; nothing is more precious, so its tables lie in `default`."""

from __future__ import annotations

from django.apps import AppConfig


class DeadlettersConfig(AppConfig):
    name = "agents.deadletters"
    label = "deadletters"
    verbose_name = "Letters"

    def ready(self) -> None:
        from agents.deadletters.services import retention as letters
        from core import retention

        retention.register("letters", letters.drop_expired)
