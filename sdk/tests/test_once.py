"""Handled once, with a record in the agent's own database: before the settlement, or in the handler's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from postroom import Agent, Message
from postroom.delivery.api import Delivery, DeliveryError, Settlement
from postroom.idempotency.sql_store import SqlStore
from postroom.runtime import stages
from postroom.runtime.house import House
from postroom.runtime.records import Records
from postroom.runtime.stages import Handling
from tests.support import library


class Broker:
    """Notes what it is asked to settle; confirms or not."""

    def __init__(self) -> None:
        self.settled: list[Settlement] = []
        self.away = False

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        if self.away:
            raise DeliveryError("away")
        self.settled.append(settlement)

    def tell(self, events: Iterable[bytes]) -> None:
        return

    def hand_over(self, letter: bytes) -> None:
        return

    def close(self) -> None:
        return


class Bookings:
    """An agent that books into its own database."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.broker = folder / "bookings.db", Broker()
        monkeypatch.setattr("postroom.runtime.house.SETTLE_TRIES", ())
        with closing(self.connect()) as connection:
            connection.execute("CREATE TABLE booked (message TEXT)")
            connection.commit()
        store = SqlStore(self.connect)
        store.make_tables()
        records = Records(store, 60, atomic=False)
        self.agent = Agent("book", handler=self.book)
        self.house = House(
            library.about(),
            handler=self.book,
            classify=self.agent.classify,
            settler=self.broker,
            records=records,
        )

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=5)

    def book(self, message: Message) -> None:
        with closing(self.connect()) as connection:
            connection.execute("INSERT INTO booked VALUES (?)", [message.id])
            if message.payload == "in my transaction":
                from postroom.runtime.decisions import desk

                records = self.house.records
                assert records is not None
                records.finish_within(connection, desk().hold, None)
                desk().finished = True
            connection.commit()

    def handle(self, message_id: str, payload: str) -> Handling:
        body = f'[["{payload}"],{{}},{{}}]'.encode()
        return stages.run(self.house, stages.begin(self.house, library.incoming(message_id, body=body)))

    def booked(self) -> int:
        with closing(self.connect()) as connection:
            return int(connection.execute("SELECT count(*) FROM booked").fetchone()[0])


@pytest.fixture
def bookings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bookings:
    return Bookings(tmp_path, monkeypatch)


@pytest.mark.parametrize("payload", ["as it comes", "in my transaction"])
def test_a_second_delivery_is_settled_and_not_handled(bookings: Bookings, payload: str) -> None:
    bookings.handle("m-1", payload)
    again = bookings.handle("m-1", payload)
    assert again.outcome
    assert again.outcome.duplicate
    assert bookings.booked() == 1
    assert len(bookings.broker.settled) == 2
    assert bookings.broker.settled[1].letter is None


def test_what_was_committed_with_its_record_is_not_repeated_when_the_settlement_fails(
    bookings: Bookings,
) -> None:
    bookings.broker.away = True
    with pytest.raises(DeliveryError):
        bookings.handle("m-1", "in my transaction")
    bookings.broker.away = False
    bookings.handle("m-1", "in my transaction")
    assert bookings.booked() == 1


def test_what_failed_may_be_tried_again_at_once(bookings: Bookings) -> None:
    bookings.house._handler = lambda message: 1 / 0
    failed = bookings.handle("m-1", "x")
    assert failed.outcome
    assert failed.outcome.kind == "retrying"
    bookings.house._handler = bookings.book
    bookings.handle("m-1", "x")
    assert bookings.booked() == 1
