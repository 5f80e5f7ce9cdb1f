"""Folds spans into runs and keeps the figures of their workflows equal to what all runs say.

What a run said before is taken away and what it says now is added, in the transaction that moves the reading: so
a workflow's figures are a sum over its runs, whatever the order in which the spans came, and however often a run
turned out to belong to another workflow than was thought.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db import connections, transaction

from agents.spans.values import Span
from agents.topology.levels import LEVELS, start_of
from agents.topology.models import RunRow, WorkflowCell, WorkflowRow
from agents.topology.places import Place, Reads, move
from agents.topology.rollups import COUNTS, REMEMBERED, SKETCHES, Rollups, tally_of
from agents.topology.sketch import Sketch
from agents.topology.values import MINUTE, Edge, Tally
from agents.topology.workflows import passage
from agents.topology.workflows.passage import Mark, Said
from agents.topology.workflows.run import Run, taken_elsewhere
from agents.topology.workflows.values import EDGE_IDS, Key
from core.databases import TELEMETRY

# Runs and cells that are kept in memory, so that most need not be read again.
KEPT_RUNS = 5_000
KEPT_CELLS = 50_000
AT_ONCE = 500
_SUM = tuple(name for name in COUNTS if name != "last_seen")


class Cell(NamedTuple):
    """One edge of a workflow in one stretch of time, as in values.Cell."""

    workflow: Key
    edge: Edge
    start: int
    level: int


class _Known(NamedTuple):
    run: Run
    said: Said


Cells = dict[Cell, Tally]


class Writer:
    """The one writer of workflows, beside the one of edges. After an error it must be made anew."""

    def __init__(self, edges: Rollups) -> None:
        self._edges = edges
        self._runs: OrderedDict[bytes, _Known] = OrderedDict()
        self._ids: dict[Key, int] = {}
        self._seen: dict[Key, int] = {}
        self._cells: OrderedDict[Cell, Tally] = OrderedDict()

    def write(self, spans: Iterable[Span], *, before: Place, after: Place, token: int) -> None:
        """Count these spans, each of which comes once, and move the reading on, in one transaction. All that can be
        worked out before it is: whoever writes the same database waits for it.

        Raises OvertakenError.
        """
        touched = self._fold(list(spans))
        now = {trace_id: passage.say(known.run) for trace_id, known in touched.items()}
        self._know_workflows(touched, now)
        changes = _changes(touched, now)
        edges = self._edge_ids(changes)
        runs = [
            _run_row(trace_id, known.run, now[trace_id], self._ids) for trace_id, known in touched.items()
        ]
        with transaction.atomic(using=TELEMETRY):
            move(Reads.WORKFLOWS, before, after, token)
            self._write_cells(changes, edges)
            _upsert(RunRow._meta.db_table, ("trace_id",), RUN_COLUMNS, runs)
        self._keep(touched, now)

    # ---- Runs ----------------------------------------------------------------------------------------------------
    def _fold(self, spans: list[Span]) -> dict[bytes, _Known]:
        elsewhere = [taken for span in spans if span.links for taken in taken_elsewhere(span)]
        wanted = {span.trace_id for span in spans} | {trace_id for trace_id, *_ in elsewhere}
        touched = self._load(wanted)
        for span in spans:
            touched[span.trace_id].run.take(span)
        for trace_id, span_id, at in elsewhere:
            touched[trace_id].run.note_taken(span_id, at)
        return touched

    def _load(self, wanted: set[bytes]) -> dict[bytes, _Known]:
        """The runs as they are known, each with what it has said so far."""
        found = {trace_id: self._runs[trace_id] for trace_id in wanted if trace_id in self._runs}
        absent = sorted(trace_id.hex() for trace_id in wanted - found.keys())
        for at in range(0, len(absent), AT_ONCE):
            rows = RunRow.objects.filter(trace_id__in=absent[at : at + AT_ONCE]).values_list(
                "trace_id", "body"
            )
            for trace_id, body in rows:
                run = Run.load(body)
                found[bytes.fromhex(trace_id)] = _Known(run, passage.say(run))
        return found | {
            trace_id: _Known(Run(), passage.NOTHING) for trace_id in wanted if trace_id not in found
        }

    def _keep(self, touched: Mapping[bytes, _Known], now: Mapping[bytes, Said]) -> None:
        for trace_id, known in touched.items():
            self._runs[trace_id] = _Known(known.run, now[trace_id])
            self._runs.move_to_end(trace_id)
        while len(self._runs) > KEPT_RUNS:
            self._runs.popitem(last=False)

    # ---- Workflows -----------------------------------------------------------------------------------------------
    def _know_workflows(self, touched: Mapping[bytes, _Known], now: Mapping[bytes, Said]) -> None:
        """A row for every key that a run has or had; when it was seen last is written once a minute."""
        seen: dict[Key, tuple[int, int]] = {}
        for trace_id, known in touched.items():
            for said in (known.said, now[trace_id]):
                if said.key:
                    first, last = seen.get(said.key, (known.run.start, known.run.end))
                    seen[said.key] = min(first, known.run.start), max(last, known.run.end)
        news = {key: times for key, times in seen.items() if self._is_news(key, times[1])}
        rows = [WorkflowRow(**key._asdict(), first_seen=a, last_seen=b) for key, (a, b) in news.items()]
        WorkflowRow.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=list(Key._fields),
            update_fields=["last_seen"],
            batch_size=AT_ONCE,
        )
        if unknown := [key for key, times in news.items() if self._is_unknown(key, times[1])]:
            self._ids |= _ids_of(unknown)
        self._seen |= {key: times[1] // MINUTE for key, times in news.items()}

    def _is_unknown(self, key: Key, last_seen: int) -> bool:
        return key not in self._ids or last_seen // MINUTE - self._seen.get(key, 0) > REMEMBERED

    def _is_news(self, key: Key, last_seen: int) -> bool:
        return key not in self._ids or last_seen // MINUTE > self._seen.get(key, 0)

    # ---- Cells ---------------------------------------------------------------------------------------------------
    def _edge_ids(self, changes: Cells) -> Mapping[Edge, int]:
        moment = max((cell.start for cell in changes), default=0) * MINUTE
        real = {cell.edge for cell in changes} - EDGE_IDS.keys()
        return EDGE_IDS | dict(self._edges.ids_of(real, moment))

    def _write_cells(self, changes: Cells, edges: Mapping[Edge, int]) -> None:
        whole = self._whole(changes, edges)
        full = {cell: tally for cell, tally in whole.items() if not _is_empty(tally)}
        rows = [_cell_row(self._ids[cell.workflow], edges[cell.edge], cell, full[cell]) for cell in full]
        _upsert(WorkflowCell._meta.db_table, CELL_KEY, (*COUNTS, *SKETCHES), rows)
        _delete([(self._ids[c.workflow], c.level, c.start, edges[c.edge]) for c in whole if c not in full])
        self._keep_cells(whole)

    def _whole(self, changes: Cells, edges: Mapping[Edge, int]) -> Cells:
        absent = [cell for cell in changes if cell not in self._cells]
        stored = _stored(absent, self._ids, edges)
        whole: Cells = {}
        for cell, change in changes.items():
            # Added to what is kept: after an error this object is not used any more.
            known = self._cells.get(cell) or stored.get(cell) or Tally()
            known.add(change)
            whole[cell] = _without_zeros(known)
        return whole

    def _keep_cells(self, whole: Cells) -> None:
        for cell, tally in whole.items():
            self._cells[cell] = tally
            self._cells.move_to_end(cell)
        while len(self._cells) > KEPT_CELLS:
            self._cells.popitem(last=False)


def _changes(touched: Mapping[bytes, _Known], now: Mapping[bytes, Said]) -> Cells:
    """What is different in the cells, on every level: what is said now, less what was said before. Marks are
    counted first, since many runs say the same, and what a run says as before cancels out."""
    found: defaultdict[Key, Counter[Mark]] = defaultdict(Counter)
    for trace_id, known in touched.items():
        before, after = known.said, now[trace_id]
        if before.key:
            found[before.key].subtract(before.marks)
        if after.key:
            found[after.key].update(after.marks)
    minutes: Cells = {}
    for key, marks in found.items():
        _put_all(minutes, key, marks)
    return _on_all_levels(minutes)


def _put_all(into: Cells, key: Key, marks: Mapping[Mark, int]) -> None:
    for (minute, edge, what, bucket), count in marks.items():
        if count:
            passage.put(_tally(into, Cell(key, edge, minute, 1)), what, bucket, count)


def _tally(into: Cells, cell: Cell) -> Tally:
    """Not setdefault: that would make a tally for each of many marks."""
    tally = into.get(cell)
    if tally is None:
        tally = into[cell] = Tally()
    return tally


def _on_all_levels(minutes: Cells) -> Cells:
    found: Cells = {}
    for cell, tally in minutes.items():
        for level in LEVELS:
            longer = Cell(cell.workflow, cell.edge, start_of(level, cell.start), level)
            _tally(found, longer).add(tally)
    return found


def _without_zeros(tally: Tally) -> Tally:
    for name in SKETCHES:
        sketch: Sketch = getattr(tally, name)
        if 0 in sketch.buckets.values():
            sketch.buckets = {bucket: count for bucket, count in sketch.buckets.items() if count}
    return tally


def _is_empty(tally: Tally) -> bool:
    return not any(getattr(tally, name) for name in _SUM) and not any(
        getattr(tally, name).buckets for name in SKETCHES
    )


# ---- The tables ------------------------------------------------------------------------------------------------
RUN_COLUMNS = (
    "workflow_id", "start", "end", "failed", "missing", "headless", "spans", "errors", "input_tokens",
    "output_tokens", "body",
)  # fmt: skip
CELL_KEY = ("workflow_id", "level", "start", "edge_id")


def _run_row(trace_id: bytes, run: Run, said: Said, ids: Mapping[Key, int]) -> tuple[Any, ...]:
    workflow, tokens = ids[said.key] if said.key else 0, run.tokens
    start = run.start if run.spans else run.noted
    return (
        trace_id.hex(), workflow, start, run.end, said.failed, said.missing, run.headless, run.spans, run.errors,
        tokens.input, tokens.output, run.dump(),
    )  # fmt: skip


def _cell_row(workflow: int, edge: int, cell: Cell, tally: Tally) -> tuple[Any, ...]:
    counts = (getattr(tally, name) for name in COUNTS)
    sketches = (getattr(tally, name).dump() for name in SKETCHES)
    return (workflow, cell.level, cell.start, edge, *counts, *sketches)


def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Past the ORM's objects: thousands of rows come here each second."""
    names = ", ".join(f'"{name}"' for name in (*key, *columns))
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns)
    statement = (
        f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(["%s"] * len((*key, *columns)))}) '  # noqa: S608
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )
    if rows:
        with connections[TELEMETRY].cursor() as cursor:
            cursor.executemany(statement, rows)


def _delete(keys: list[tuple[int, ...]]) -> None:
    """Cells that nothing is in any more: their runs turned out to be of another workflow."""
    where = " AND ".join(f'"{name}" = %s' for name in CELL_KEY)
    if keys:
        with connections[TELEMETRY].cursor() as cursor:
            cursor.executemany(f'DELETE FROM "{WorkflowCell._meta.db_table}" WHERE {where}', keys)  # noqa: S608


def _ids_of(keys: Iterable[Key]) -> dict[Key, int]:
    wanted = set(keys)
    rows = WorkflowRow.objects.filter(agent__in={key.agent for key in wanted})
    found = {key_of(row): row.pk for row in rows}
    return {key: found[key] for key in wanted}


def key_of(row: WorkflowRow) -> Key:
    return Key(row.environment, row.name, row.agent, row.operation)


def _stored(cells: list[Cell], ids: Mapping[Key, int], edges: Mapping[Edge, int]) -> Cells:
    """What the table says of these cells."""
    if not cells:
        return {}
    wanted = {(ids[cell.workflow], cell.level, cell.start, edges[cell.edge]): cell for cell in cells}
    rows = WorkflowCell.objects.filter(
        workflow_id__in={ids[cell.workflow] for cell in cells},
        level__in=LEVELS,
        start__in={cell.start for cell in cells},
    )
    return {wanted[row.pk]: tally_of(row) for row in rows if row.pk in wanted}
