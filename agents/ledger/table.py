"""The ledger's two large tables in bulk, on either engine. For a transaction that is alone with them (`alone`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import msgspec
from django.db import connections, transaction

from agents.ledger.models import EventRow, MessageRow
from agents.ledger.values import Event, Key, Message, Told, told
from core.databases import TELEMETRY

Row = tuple[int, Message]
MESSAGES, EVENTS = MessageRow._meta.db_table, EventRow._meta.db_table
FIELDS = Message.__struct_fields__
# What one statement asks for at most.
AT_ONCE = 500
# Any number, the same in every process of this project: who holds it writes the ledger.
LOCK = 0x1ED6E7

_decode = msgspec.json.Decoder(Event).decode
encode = msgspec.json.Encoder().encode
_NUMBERS = frozenset({"since", "redrive", "attempt", "deadline", "due", "sources", "first_seen", "last_seen"})
_TYPES = {"heard": "bigint", "ahead": "bigint"} | dict.fromkeys(_NUMBERS, "bigint")


@contextmanager
def alone() -> Iterator[None]:
    """A transaction that nobody else writes the ledger beside: rows are read, folded and written as one step, and
    events are numbered in the order of commit. SQLite's immediate transactions are so by themselves."""
    with transaction.atomic(using=TELEMETRY):
        connection = connections[TELEMETRY]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield


def find(keys: Collection[Key]) -> dict[Key, Row]:
    """Those of the messages that are there."""
    found = rows({key.message_id for key in keys})
    return {row[1].key: row for row in found if row[1].key in keys}


def rows(message_ids: Collection[str]) -> list[Row]:
    """The messages of these ids, in any environment, with their numbers."""
    return [(row[0], Message(*row[1:])) for row in _where("message_id", message_ids)]


def of_id(message_ids: Collection[str]) -> list[Message]:
    """Messages of these ids in any environment."""
    return [message for _, message in rows(message_ids)]


def of(column: str, value: str) -> list[Message]:
    """Messages with this value in a column, by their first event."""
    found = [Message(*row[1:]) for row in _where(column, [value])]
    return sorted(found, key=lambda message: message.first_seen)


def event(body: str, arrived: int) -> Told:
    """An event as its row has it."""
    return told(_decode(body), arrived)


def next_id() -> int:
    with connections[TELEMETRY].cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {MESSAGES}")  # noqa: S608 - our own name
        return int(cursor.fetchone()[0])


def events_of(ids: Collection[int]) -> dict[int, list[Told]]:
    """Everything that was told of these messages, in no order."""
    found: dict[int, list[Told]] = {}
    for some in _portions(ids):
        marks = ", ".join(["%s"] * len(some))
        with connections[TELEMETRY].cursor() as cursor:
            cursor.execute(
                f"SELECT message, arrived, body FROM {EVENTS} WHERE message IN ({marks})",  # noqa: S608
                some,
            )
            for message, arrived, body in cursor:
                found.setdefault(message, []).append(event(body, arrived))
    return found


def add_events(rows: Sequence[tuple[int, Told]]) -> int:
    """Events of messages, those left out that are there. Returns how many were new."""
    values = [(id, each.event.id, each.arrived, encode(each.event).decode()) for id, each in rows]
    columns = {"message": "bigint", "event_id": "text", "arrived": "bigint", "body": "text"}
    return _insert(EVENTS, columns, values, "DO NOTHING")


def put_messages(rows: Sequence[Row]) -> None:
    """Messages as they are now; whole rows are written, so writing twice changes nothing."""
    values = [(id, *msgspec.structs.astuple(message)) for id, message in rows]
    sets = ", ".join(f"{name} = excluded.{name}" for name in FIELDS[2:])
    columns = {"id": "bigint"} | {name: _TYPES.get(name, "text") for name in FIELDS}
    _insert(MESSAGES, columns, values, f"(id) DO UPDATE SET {sets}")


def _insert(table: str, columns: dict[str, str], values: Sequence[tuple[Any, ...]], conflict: str) -> int:
    """PostgreSQL takes all rows as one document (arrays of parameters are put together in Python, slowly), SQLite row
    after row in one prepared statement."""
    if not values:
        return 0
    names, connection = ", ".join(columns), connections[TELEMETRY]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            typed = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
            rows = f"SELECT {names} FROM json_to_recordset(%s::json) AS new({typed})"  # noqa: S608
            document = encode([dict(zip(columns, row, strict=True)) for row in values]).decode()
            cursor.execute(f"INSERT INTO {table} ({names}) {rows} ON CONFLICT {conflict}", [document])
        else:
            marks = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT {conflict}"  # noqa: S608
            cursor.executemany(statement, values)
        return int(cursor.rowcount)


def _where(column: str, wanted: Collection[Any]) -> Iterator[tuple[Any, ...]]:
    names = ", ".join(("id", *FIELDS))
    for some in _portions(wanted):
        marks = ", ".join(["%s"] * len(some))
        with connections[TELEMETRY].cursor() as cursor:
            cursor.execute(f"SELECT {names} FROM {MESSAGES} WHERE {column} IN ({marks})", some)  # noqa: S608
            yield from cursor.fetchall()


def _portions(things: Collection[Any]) -> Iterator[list[Any]]:
    ordered = iter(things)
    while some := list(islice(ordered, AT_ONCE)):
        yield some
