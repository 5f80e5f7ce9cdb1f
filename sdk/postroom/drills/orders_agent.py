"""The agent of the drill `orders`: books each order in a database, and can be killed in the worst moments."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from postroom import Agent, Message, PermanentError
from postroom.delivery.api import Delivery, Settlement
from postroom.drills import crashes
from postroom.idempotency.sql_store import SqlStore
from postroom.runtime.house import House

BOOKS = Path(os.environ[crashes.FOLDER]) / "books.sqlite"


def connect() -> sqlite3.Connection:
    return sqlite3.connect(BOOKS, timeout=60)


class Orders(Agent):
    """The booking and the record that the message is handled are one transaction."""

    version = "1.0.0"

    def handle_message(self, message: Message) -> None:
        crashes.here(crashes.CLAIMED)
        if message.payload["card"] == "refused":
            raise PermanentError("The card is refused.")
        with closing(connect()) as books, books:
            books.execute("INSERT INTO booked (order_id) VALUES (?)", (message.payload["order"],))
            self.finish_within(books)
        crashes.here(crashes.EFFECT)


_settle = House._settle


def _settle_then_crash(house: House, delivery: Delivery, settlement: Settlement) -> None:
    _settle(house, delivery, settlement)
    if settlement.letter is not None:
        crashes.here(crashes.LETTER)


House._settle = _settle_then_crash  # type: ignore[assignment,method-assign]

_store = SqlStore(connect)
_store.make_tables()
agent = Orders("orders", idempotency=_store)
