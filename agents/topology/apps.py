"""Topology as a Django app; its tables lie in the telemetry database."""

from __future__ import annotations

from django.apps import AppConfig


class TopologyConfig(AppConfig):
    name = "agents.topology"
    label = "topology"
    verbose_name = "Topology"

    def ready(self) -> None:
        from agents.topology.workflows import retention as topology
        from core import retention

        retention.register("topology", topology.drop_expired)
