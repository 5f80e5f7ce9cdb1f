"""Helpers for tests of the audit trail: entries, a checkpoints' file of one's own, and what an intruder does."""

from __future__ import annotations

from typing import Any

from django.db import connections

from core.access.api import Kind, Place, Subject
from core.access.audit import triggers
from core.access.audit.api import Action, Target, record
from core.access.audit.models import Entry
from core.databases import DEFAULT

ANA = Subject(Kind.PERSON, "7", "ana", via="session")
ROLE = Target("role", "3", "operator", Place("production", "payments.q", "payments"))


def write(count: int = 1, **details: Any) -> list[Entry]:
    """Entries of the sort that the house writes."""
    given = {"by": ANA, "on": ROLE, "source": "192.0.2.7", "why": "gateway repaired", **details}
    numbers = [
        record(Action.AGENT_REPORTED, before={"n": n}, after={"n": n + 1, "ok": True}, **given)
        for n in range(count)
    ]
    return list(Entry.objects.filter(sequence__in=numbers).order_by("sequence"))


def intrude(statement: str, *values: Any) -> int:
    """Raw SQL behind the application's back, with the triggers out of the way; how many rows it changed."""
    connection = connections[DEFAULT]
    triggers.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
