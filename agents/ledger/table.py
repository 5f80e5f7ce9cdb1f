"""The ledger's two large tables in bulk, on either engine. For a transaction that is alone with them (`alone`)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
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
AT_ONCE = 2_000
# Any number, the same in every process of this project: who holds it writes the ledger.
LOCK = 0x1ED6E7
# What parts the values of one text. Nobody can know it beforehand, so no value holds it.
BETWEEN = f"\x1e{secrets.token_hex(8)}"

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
    found = _select(MESSAGES, ("id", *FIELDS), "message_id", "text", message_ids)
    return [(row[0], Message(*row[1:])) for row in found]


def of_id(message_ids: Collection[str]) -> list[Message]:
    """Messages of these ids in any environment."""
    return [message for _, message in rows(message_ids)]


def of(column: str, value: str) -> list[Message]:
    """Messages with this value in a column, by their first event. An equation: the indexes leave out empty values, and
    must see that it is none."""
    with connections[TELEMETRY].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(FIELDS)} FROM {MESSAGES} WHERE {column} = %s", [value])  # noqa: S608
        found = [Message(*row) for row in cursor.fetchall()]
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
    for message, arrived, body in _select(EVENTS, ("message", "arrived", "body"), "message", "bigint", ids):
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
    """PostgreSQL takes all rows of a column as one text, SQLite row after row in one prepared statement."""
    if not values:
        return 0
    connection, names = connections[TELEMETRY], ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            rows, given = _rows(columns, values)
            cursor.execute(f"INSERT INTO {table} ({names}) {rows} ON CONFLICT {conflict}", given)
        else:
            marks = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT {conflict}"  # noqa: S608
            cursor.executemany(statement, values)
        return int(cursor.rowcount)


def _rows(columns: dict[str, str], values: Sequence[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    """A SELECT of these rows. What all of them have in common, and of a portion that is most, is said once."""
    each = dict(zip(columns, zip(*values, strict=True), strict=True))
    differ = {name: column for name, column in each.items() if column.count(column[0]) < len(column)}
    differ = differ or dict([next(iter(each.items()))])
    said = ", ".join(name if name in differ else f"%s::{columns[name]}" for name in columns)
    rows = ", ".join(_column(columns[name]) for name in differ)
    given = [column[0] for name, column in each.items() if name not in differ]
    for column in differ.values():
        given += [_joined(column), BETWEEN]
    return f"SELECT {said} FROM unnest({rows}) AS new({', '.join(differ)})", given  # noqa: S608 - our own names


def _select(
    table: str, names: Sequence[str], column: str, type_: str, wanted: Collection[Any]
) -> Iterator[tuple[Any, ...]]:
    """The rows with one of these values in a column."""
    connection, said = connections[TELEMETRY], ", ".join(names)
    for some in _portions(wanted):
        if connection.vendor == "postgresql":
            among, given = f"= ANY({_column(type_)})", [_joined(some), BETWEEN]
        else:
            among, given = "IN (SELECT value FROM json_each(%s))", [encode(some).decode()]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {said} FROM {table} WHERE {column} {among}", given)  # noqa: S608 - our own names
            yield from cursor.fetchall()


def _column(type_: str) -> str:
    """An array out of a text: put together and read much faster than an array's own notation, or JSON."""
    return f"string_to_array(%s, %s)::{type_}[]"


def _joined(values: Iterable[Any]) -> str:
    return BETWEEN.join(map(str, values))


def _portions(things: Collection[Any]) -> Iterator[list[Any]]:
    ordered = iter(things)
    while some := list(islice(ordered, AT_ONCE)):
        yield some
