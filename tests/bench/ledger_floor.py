"""The floor of the ledger's bench: the same events, decoded and upserted by one bare loop.

The same tables with the same indexes, the same batches, the same columns and the same engine settings; no order, no
history read back, no validation beyond what decoding needs: whoever comes last is right. It keeps every event once
and one row a message, as the ledger does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connections, transaction

from agents.ledger.models import EventRow, MessageRow
from core.databases import TELEMETRY

EVENTS, MESSAGES = EventRow._meta.db_table, MessageRow._meta.db_table
# Everything that an event of the bench says; the rest of the row has its default.
SAID = (
    "environment", "message_id", "state", "since", "redrive", "attempt", "last_event", "agent", "instance",
    "version", "broker", "queue", "sender", "task", "workflow", "trace_id", "sources",
)  # fmt: skip
DEFAULTS = {
    "host": "", "span_id": "", "conversation_id": "", "parent_id": "", "deadline": 0, "due": 0, "waits_for": "",
    "error": "", "first_seen": 0, "last_seen": 0, "heard": 0, "ahead": 0,
}  # fmt: skip
COLUMNS = (*SAID, *DEFAULTS)
NUMBERS = frozenset({"since", "redrive", "attempt", "sources", "deadline", "due"})
MOMENTS = frozenset({"first_seen", "last_seen", "heard", "ahead"})


def run(batches: Sequence[Sequence[bytes]]) -> float:
    """Seconds for all batches, a transaction each."""
    began = time.perf_counter()
    number, known = 0, dict[str, int]()
    for batch in batches:
        arrived = time.time_ns() // 1_000
        events, messages = [], []
        for body in batch:
            said = msgspec.json.decode(body)
            id = known.get(said["message_id"])
            if id is None:
                number += 1
                id = known[said["message_id"]] = number
            events.append((id, said["id"], arrived, body.decode()))
            messages.append((id, *_row(said, arrived)))
        with transaction.atomic(using=TELEMETRY):
            # One statement cannot touch a row twice on PostgreSQL: the last of each message, as the ledger does.
            _write(events, list({row[0]: row for row in messages}.values()))
    return time.perf_counter() - began


def _row(said: dict[str, Any], arrived: int) -> tuple[Any, ...]:
    facts = said | {"state": said["kind"], "last_event": said["id"], "sources": 1, "since": arrived}
    facts |= {"first_seen": arrived, "last_seen": arrived, "heard": arrived}
    return tuple(facts.get(name, 0 if name in NUMBERS else DEFAULTS.get(name, "")) for name in COLUMNS)


def _write(events: list[tuple[Any, ...]], messages: list[tuple[Any, ...]]) -> None:
    connection = connections[TELEMETRY]
    sets = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[2:])
    names = ", ".join(("id", *COLUMNS))
    if connection.vendor == "postgresql":
        types = ["bigint", *("bigint" if name in NUMBERS | MOMENTS else "text" for name in COLUMNS)]
        typed = ", ".join(f"{name} {type_}" for name, type_ in zip(("id", *COLUMNS), types, strict=True))
        told = [dict(zip(("message", "event_id", "arrived", "body"), row, strict=True)) for row in events]
        rows = [dict(zip(("id", *COLUMNS), row, strict=True)) for row in messages]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {EVENTS} (message, event_id, arrived, body) SELECT message, event_id, arrived, body "
                "FROM json_to_recordset(%s::json) AS new(message bigint, event_id text, arrived bigint, body text) "
                "ON CONFLICT DO NOTHING",
                [msgspec.json.encode(told).decode()],
            )
            cursor.execute(
                f"INSERT INTO {MESSAGES} ({names}) SELECT {names} FROM json_to_recordset(%s::json) AS new({typed}) "
                f"ON CONFLICT (id) DO UPDATE SET {sets}",
                [msgspec.json.encode(rows).decode()],
            )
        return
    # Past Django's cursor: it costs more than SQLite itself.
    bare = connection.connection
    bare.executemany(
        f"INSERT INTO {EVENTS} (message, event_id, arrived, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        events,
    )
    marks = ", ".join(["?"] * (len(COLUMNS) + 1))
    bare.executemany(
        f"INSERT INTO {MESSAGES} ({names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {sets}", messages
    )
