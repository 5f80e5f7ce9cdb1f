"""Topology as a Django app; its tables lie in the telemetry database."""

from __future__ import annotations

from django.apps import AppConfig


class TopologyConfig(AppConfig):
    name = "agents.topology"
    label = "topology"
    verbose_name = "Topology"
