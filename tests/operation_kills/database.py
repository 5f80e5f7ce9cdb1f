"""What stands in the house's database, read past the house: from its file, or from its server."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import psycopg

from agents.operations.values import ItemState

T = TypeVar("T")
Rows = Sequence[Sequence[Any]]
AWAY = (sqlite3.OperationalError, psycopg.OperationalError, psycopg.InterfaceError)
STATES = tuple(str(each) for each in ItemState)


class Figures(NamedTuple):
    """An operation as its row has it."""

    id: str
    plan: str
    action: str
    state: str
    why: str
    selected: int
    tally: dict[str, int]


class Letter(NamedTuple):
    """A letter as its row has it."""

    id: str
    message: str
    state: str
    redrives: int


class Database:
    """Each question is asked in one transaction that sees one moment. For several threads."""

    def __init__(self, data: Path, url: str = "") -> None:
        self._data, self._url, self._lock = data, url, threading.Lock()

    def operations(self) -> list[Figures]:
        return self.ask(_operations)

    def states(self) -> tuple[list[Figures], dict[str, dict[str, int]]]:
        """Operations, and at the same moment how many items of each plan there are in each state."""
        return self.ask(lambda read: (_operations(read), _items(read)))

    def letters(self) -> list[Letter]:
        rows = self.ask(lambda read: read("SELECT id, message_id, state, redrives FROM deadletters_letter"))
        return [Letter(_id(id), message, state, redrives) for id, message, state, redrives in rows]

    def deaths(self) -> dict[str, str]:
        """The letter of each death that is in custody."""
        rows = self.ask(lambda read: read("SELECT id, letter_id FROM deadletters_death"))
        return {_id(death): _id(letter) for death, letter in rows}

    def held(self, error: str) -> int:
        """How many letters of this kind of error wait for somebody."""
        wanted = (
            f"SELECT count(*) FROM deadletters_letter WHERE state = 'held' AND failure_type LIKE '%{error}'"
        )
        return int(self.ask(lambda read: read(wanted))[0][0])

    def claims(self) -> set[int]:
        """What workers hold, or held when they died."""
        return {int(id) for (id,) in self.ask(lambda read: read("SELECT id FROM operations_claim"))}

    def unknown(self) -> dict[str, list[str]]:
        """The letters whose message's outcome is unknown, by operation."""
        rows = self.ask(
            lambda read: read(
                "SELECT o.id, i.letter FROM operations_operation o JOIN operations_item i ON i.plan_id = o.plan_id "
                "WHERE i.state = 'unknown'"
            )
        )
        found: dict[str, list[str]] = {}
        for operation, letter in rows:
            found.setdefault(_id(operation), []).append(_id(letter))
        return found

    def untold(self) -> bool:
        """Whether anything waits to be told to the ledger, which is another database."""
        return bool(self.ask(lambda read: read("SELECT count(*) FROM operations_untold"))[0][0])

    def messages(self) -> dict[str, str]:
        """The state of each message, as the ledger has it."""
        wanted = "SELECT message_id, state FROM ledger_message"
        with self._lock, self._reading(telemetry=True) as read:
            return {str(message): str(state) for message, state in read(wanted)}

    def ask(self, question: Callable[[Callable[[str], Rows]], T]) -> T:
        """Raises what is in AWAY while nobody answers."""
        with self._lock, self._reading() as read:
            return question(read)

    @contextmanager
    def _reading(self, *, telemetry: bool = False) -> Iterator[Callable[[str], Rows]]:
        schema, name = (
            ("postroom_telemetry", "telemetry/index.sqlite3")
            if telemetry
            else ("postroom", "postroom.sqlite3")
        )
        if self._url:
            options = f"-c search_path={schema}"
            with psycopg.connect(self._url, connect_timeout=5, options=options) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                yield lambda wanted: connection.execute(wanted).fetchall()
            return
        file = f"file:{self._data / name}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=30, isolation_level=None)) as found:
            found.execute("BEGIN")
            yield lambda wanted: found.execute(wanted).fetchall()


def _operations(read: Callable[[str], Rows]) -> list[Figures]:
    columns = ", ".join(STATES)
    rows = read(f"SELECT id, plan_id, action, state, why, selected, {columns} FROM operations_operation")
    return [
        Figures(_id(id), _id(plan), action, state, why, selected, dict(zip(STATES, tally, strict=True)))
        for id, plan, action, state, why, selected, *tally in rows
    ]


def _items(read: Callable[[str], Rows]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for plan, state, number in read(
        "SELECT plan_id, state, count(*) FROM operations_item GROUP BY plan_id, state"
    ):
        found.setdefault(_id(plan), {})[state] = number
    return found


def _id(value: Any) -> str:
    return str(uuid.UUID(str(value)))
