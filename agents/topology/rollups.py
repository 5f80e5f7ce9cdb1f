"""Writes tallies by the minute, and with them how far the spans were read: both or neither."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections, transaction

from agents.topology.levels import LEVELS, start_of
from agents.topology.models import Counted, EdgeCell, EdgeRow
from agents.topology.pairing import Tallies
from agents.topology.places import Place, Reads, move
from agents.topology.sketch import Sketch
from agents.topology.values import MINUTE, Cell, Edge, EdgeKind, Tally
from core.databases import TELEMETRY

KEPT_CELLS = 50_000
# Retention may have forgotten what was not seen for longer than this: its id is asked for again.
REMEMBERED = 24 * 60
COUNTS = (
    "calls",
    "received",
    "matched",
    "errors",
    "skewed",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "last_seen",
)
SKETCHES = ("duration", "wait", "fetch")


class Rollups:
    """The one writer's half: keeps the cells that still change, so that most need not be read again."""

    def __init__(self) -> None:
        self._ids: dict[Edge, int] = {}
        self._written: dict[Edge, int] = {}
        self._cells: OrderedDict[Cell, Tally] = OrderedDict()

    def write(self, found: Tallies, *, before: Place, after: Place, token: int) -> None:
        """Add tallies and move the reading on, in one transaction. When it raises, nothing of it is there, and
        this object and the window that `found` came from must be made anew.

        Raises OvertakenError.
        """
        with transaction.atomic(using=TELEMETRY):
            move(Reads.EDGES, before, after, token)
            self._know_edges(found)
            whole = self._whole(on_all_levels(found))
            _upsert_cells(whole, self._ids)
        self._keep(whole)

    def ids_of(self, edges: Iterable[Edge], moment: int) -> Mapping[Edge, int]:
        """The rows of these edges; one that has none gets one, as if it had been seen at that moment."""
        wanted = set(edges)
        if unknown := [edge for edge in wanted if self._is_unknown(edge, moment)]:
            rows = [EdgeRow(**edge._asdict(), first_seen=moment, last_seen=moment) for edge in unknown]
            EdgeRow.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
            self._ids |= _ids_of(unknown)
            self._written |= dict.fromkeys(unknown, moment // MINUTE)
        return {edge: self._ids[edge] for edge in wanted}

    def _know_edges(self, found: Tallies) -> None:
        seen = {edge: times for edge, times in _seen_between(found).items() if self._is_news(edge, times[1])}
        rows = [
            EdgeRow(**edge._asdict(), first_seen=first, last_seen=last)
            for edge, (first, last) in seen.items()
        ]
        EdgeRow.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=list(Edge._fields),
            update_fields=["last_seen"],
            batch_size=500,
        )
        if unknown := [edge for edge, (_, last) in seen.items() if self._is_unknown(edge, last)]:
            self._ids |= _ids_of(unknown)

    def _is_unknown(self, edge: Edge, moment: int) -> bool:
        return edge not in self._ids or moment // MINUTE - self._written.get(edge, 0) > REMEMBERED

    def _is_news(self, edge: Edge, last_seen: int) -> bool:
        """An edge's row is written once a minute: closer than that, its cells say when it was last seen."""
        return edge not in self._ids or last_seen // MINUTE > self._written.get(edge, 0)

    def _whole(self, found: Tallies) -> Tallies:
        """What was written for each cell before, with what was found added."""
        absent = [cell for cell in found if cell not in self._cells]
        stored = _stored(absent, self._ids)
        whole: Tallies = {}
        for cell, tally in found.items():
            known = self._cells.get(cell) or stored.get(cell)
            if known:
                # Added to what is kept: after an error this object is not used any more.
                known.add(tally)
            whole[cell] = known or tally
        return whole

    def _keep(self, whole: Tallies) -> None:
        for cell, tally in whole.items():
            self._cells[cell] = tally
            self._cells.move_to_end(cell)
            self._written[cell.edge] = max(self._written.get(cell.edge, 0), tally.last_seen // MINUTE)
        while len(self._cells) > KEPT_CELLS:
            self._cells.popitem(last=False)


def on_all_levels(minutes: Tallies) -> Tallies:
    """The same tallies, by minute, by ten and by hour."""
    found: Tallies = {}
    for cell, tally in minutes.items():
        for level in LEVELS:
            longer = Cell(cell.edge, start_of(level, cell.start), level)
            found.setdefault(longer, Tally()).add(tally)
    return found


def _seen_between(found: Tallies) -> dict[Edge, tuple[int, int]]:
    seen: dict[Edge, tuple[int, int]] = {}
    for cell, tally in found.items():
        first, last = seen.get(cell.edge, (tally.last_seen, tally.last_seen))
        seen[cell.edge] = (min(first, tally.last_seen), max(last, tally.last_seen))
    return seen


def _ids_of(edges: Iterable[Edge]) -> dict[Edge, int]:
    wanted = set(edges)
    rows = EdgeRow.objects.filter(source__in={edge.source for edge in wanted})
    found = {edge_of(row): row.pk for row in rows}
    return {edge: found[edge] for edge in wanted}


def edge_of(row: EdgeRow) -> Edge:
    return Edge(row.environment, EdgeKind(row.kind), row.source, row.via, row.target)


def _stored(cells: list[Cell], ids: dict[Edge, int]) -> Tallies:
    """What the table says of these cells."""
    if not cells:
        return {}
    wanted = {(cell.level, cell.start, ids[cell.edge]): cell for cell in cells}
    rows = EdgeCell.objects.filter(
        level__in=LEVELS,
        start__in={cell.start for cell in cells},
        edge_id__in={edge for _, _, edge in wanted},
    )
    return {wanted[row.pk]: tally_of(row) for row in rows if row.pk in wanted}


def tally_of(row: Counted) -> Tally:
    tally = Tally(*(getattr(row, name) for name in COUNTS))
    for name in SKETCHES:
        setattr(tally, name, Sketch.load(getattr(row, name)))
    return tally


def _upsert_cells(whole: Tallies, ids: dict[Edge, int]) -> None:
    """Past the ORM's objects: thousands of rows come here each second."""
    table = EdgeCell._meta.db_table
    columns = ["level", "start", "edge_id", *COUNTS, *SKETCHES]
    names = ", ".join(f'"{name}"' for name in columns)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in [*COUNTS, *SKETCHES])
    statement = (
        f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(["%s"] * len(columns))}) '  # noqa: S608
        f"ON CONFLICT (level, start, edge_id) DO UPDATE SET {changes}"
    )
    rows = [_row(ids[cell.edge], cell, tally) for cell, tally in whole.items()]
    with connections[TELEMETRY].cursor() as cursor:
        cursor.executemany(statement, rows)


def _row(edge: int, cell: Cell, tally: Tally) -> tuple[Any, ...]:
    counts = (getattr(tally, name) for name in COUNTS)
    sketches = (getattr(tally, name).dump() for name in SKETCHES)
    return (cell.level, cell.start, edge, *counts, *sketches)
