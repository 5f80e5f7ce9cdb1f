"""The floor under the store: one bare loop, one connection, no errors caught, no parts chosen, no second process
thought of. It packs the same blocks and writes the same rows under the same indexes, repeats looked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import psycopg

from agents.spans import blocks, days
from agents.spans.blocks import CLASSES, Block
from agents.spans.postgres import TYPES
from agents.spans.shelf import GROUP
from agents.spans.sqlite import PRAGMAS, SCHEMA
from agents.spans.streams import SPANS
from agents.spans.values import Span
from core.databases import SCHEMAS, TELEMETRY
from tests.support.span_stores import Home

Rows = dict[str, list[tuple[object, ...]]]
COLUMNS = {
    "block": "id, stream, first, last, rows, received, core, details, filter",
    "handle": "key, block, ids",
    "series": "id, stream, key",
    "share": "grouped, item, block, rows",
}


class Floor:
    """What both loops share: turning a request into rows."""

    def __init__(self) -> None:
        self.number = 0
        self.series: dict[bytes, int] = {}

    def rows(self, packed: Sequence[Block]) -> Rows:
        found: Rows = {name: [] for name in COLUMNS}
        for block in packed:
            self.number += 1
            found["block"].append(
                (
                    *(self.number, block.stream, block.first, block.last, block.rows, 0),
                    *(block.core, block.details, block.filter),
                )
            )
            found["handle"] += [(key, self.number, ids) for key, ids in block.handles]
            shares: dict[int, int] = {}
            for share in block.shares:
                if share.series not in self.series:
                    self.series[share.series] = len(self.series) + 1
                    found["series"].append((len(self.series), block.stream, share.series))
                item = self.series[share.series] * CLASSES + share.longest
                shares[item] = shares.get(item, 0) + share.rows
            found["share"] += [
                (self.number // GROUP, item, self.number, rows) for item, rows in sorted(shares.items())
            ]
        return found


def keys_of(packed: Iterable[Block]) -> list[bytes]:
    return [key for block in packed for key, ids in block.handles if ids]


def write(home: Home, batches: Iterable[Sequence[Span]]) -> None:
    (_sqlite if home.engine == "sqlite" else _postgresql)(home, batches)


def _sqlite(home: Home, batches: Iterable[Sequence[Span]]) -> None:
    Path(home.address).mkdir(parents=True)
    connection = sqlite3.connect(f"{home.address}/floor.sqlite3", isolation_level=None)
    for statement in (*PRAGMAS, *SCHEMA):
        connection.execute(statement)
    floor = Floor()
    for batch in batches:
        packed = blocks.build(SPANS, batch, batch[0].start // days.DAY)
        keys = keys_of(packed)
        connection.execute("BEGIN IMMEDIATE")
        marks = ",".join("?" * len(keys))
        connection.execute(f"SELECT key, ids FROM handle WHERE key IN ({marks})", keys).fetchall()
        for table, rows in floor.rows(packed).items():
            if rows:
                places = ",".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({places})", rows)
        connection.execute("COMMIT")
    connection.close()


def _postgresql(home: Home, batches: Iterable[Sequence[Span]]) -> None:
    options = f"-c search_path={SCHEMAS[TELEMETRY]}"
    with psycopg.connect(home.address, options=options, autocommit=True) as connection:
        for name in COLUMNS:
            connection.execute(f"DROP TABLE IF EXISTS floor_{name}".encode())
            connection.execute(f"CREATE TABLE floor_{name} (LIKE spans_{name} INCLUDING ALL)".encode())
        _copy_all(connection, batches)
        for name in COLUMNS:
            connection.execute(f"DROP TABLE floor_{name}".encode())


def _copy_all(connection: psycopg.Connection[tuple[object, ...]], batches: Iterable[Sequence[Span]]) -> None:
    floor = Floor()
    for batch in batches:
        packed = blocks.build(SPANS, batch, batch[0].start // days.DAY)
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT key, ids FROM floor_handle WHERE key = ANY(%s)", (keys_of(packed),)
            ).fetchall()
            for table, rows in floor.rows(packed).items():
                into = f"COPY floor_{table} (part, {COLUMNS[table]}) FROM STDIN (FORMAT BINARY)"
                with cursor.copy(into.encode()) as copy:
                    copy.set_types(TYPES[table])
                    for row in rows:
                        copy.write_row((1, *row))
