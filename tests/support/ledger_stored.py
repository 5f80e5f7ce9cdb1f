"""Prints the messages that a house's ledger holds, one a line, each with how many events it knows of it."""

from __future__ import annotations

import json
import os
from collections import Counter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
from agents.ledger.models import EventRow, MessageRow

told = Counter(EventRow.objects.values_list("message", flat=True))
for row in MessageRow.objects.order_by("pk").values():
    print(json.dumps(row | {"events": told[row["id"]]}))
