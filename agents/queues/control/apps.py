"""The control of consumers as a Django app; what was asked for is precious and lies in `default`."""

from __future__ import annotations

from django.apps import AppConfig


class ControlConfig(AppConfig):
    name = "agents.queues.control"
    label = "consumption"
    verbose_name = "Consumption"
