"""Postroom itself, where no person changes something."""

from __future__ import annotations

from core.access.api import Kind, Subject

RULES = "rules"
OUTBOX = "outbox"
ITSELF = Subject(Kind.SYSTEM, "postroom", "postroom")
