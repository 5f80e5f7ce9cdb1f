"""The consumer: an agent of the library. Each delivery and each effect stands in a book outside of everything that is
killed, the effect in one transaction with the record that its message is handled."""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from postroom import Agent, Message, PermanentError
from postroom.idempotency.sql_store import SqlStore
from postroom.runtime.api import Hook, Incoming

BOOKS = Path(os.environ["KILLS_BOOKS"])
_mine = threading.local()


def connect() -> sqlite3.Connection:
    books = sqlite3.connect(BOOKS, timeout=60)
    books.execute("PRAGMA synchronous=OFF")
    return books


def _connection() -> sqlite3.Connection:
    if not hasattr(_mine, "books"):
        _mine.books = connect()
    found: sqlite3.Connection = _mine.books
    return found


class Deliveries(Hook):
    """Notes each message as the broker gives it, before anybody looks whether it is known."""

    def authorise(self, incoming: Incoming) -> None:
        # What is published twice has two tags on Redis; what is delivered again keeps the one that it has. On RabbitMQ
        # a tag is a number of the connection's, and the broker says what it gives again.
        tag = str(incoming.properties.get("delivery_tag") or "")
        again = incoming.delivery.redelivered
        with _connection() as books:
            books.execute(
                "INSERT INTO deliveries VALUES (?, ?, ?, ?)",
                (incoming.redrive_id, incoming.redrive, tag or uuid.uuid4().hex, again),
            )


class BusyError(PermanentError):
    """As the letters that are redriven died."""


class Worker(Agent):
    """Some messages fail at their first redrive, and die again."""

    version = "2.0.0"

    def handle_message(self, message: Message) -> None:
        said: dict[str, Any] = message.payload
        if message.redrive_count <= said.get("fails", 0):
            raise BusyError("the model is busy")
        with _connection() as books:
            books.execute("INSERT INTO effects VALUES (?, ?)", (message.id, message.redrive_count))
            self.finish_within(books)


def make_tables() -> None:
    with closing(connect()) as books, books:
        books.execute("PRAGMA journal_mode=WAL")
        books.execute("CREATE TABLE IF NOT EXISTS effects (message TEXT, redrive INTEGER)")
        books.execute(
            "CREATE TABLE IF NOT EXISTS deliveries (letter TEXT, redrive INTEGER, tag TEXT, again INTEGER)"
        )


make_tables()
_store = SqlStore(connect)
_store.make_tables()
agent = Worker("work", idempotency=_store, hooks=[Deliveries()])
