"""Prints the instances that a house knows, one a line: agent, instance, environment, state, version, load."""

from __future__ import annotations

import json
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
from agents.registry.models import Instance

FIELDS = ("agent__agent_id", "instance_id", "agent__environment", "state", "version", "load")
for row in Instance.objects.order_by("pk").values_list(*FIELDS):
    print(json.dumps(row))
