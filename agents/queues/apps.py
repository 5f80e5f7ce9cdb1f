"""The queues as a Django app; its tables lie in the telemetry database."""

from __future__ import annotations

from django.apps import AppConfig


class QueuesConfig(AppConfig):
    name = "agents.queues"
    label = "queues"
    verbose_name = "Queues"

    def ready(self) -> None:
        from agents.queues.services import retention as queues
        from core import retention

        retention.register("queues", queues.drop_expired)
